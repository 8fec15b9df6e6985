"""The domain values, the twin, the network, the multiplexing schedule."""
