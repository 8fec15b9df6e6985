"""All that speaks to hardware, and the hardware that isn't there."""
