"""A bench whose field is turned by two supplies, one coil wired the other way."""

TWO_COILS = """
name = "two axes"
[virtual]
device = "leaky-integrator"
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 400.0
[magnet.y]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5026::SOCKET"
tesla_per_ampere = -2.0e-4
max_current_A = 12.0
max_ramp_A_per_s = 400.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::virtual-sr830::5025::SOCKET"
[drive]
encoding = "rotation"
low_T = 0.0005
high_T = 0.002
hold_s = 0.05
[reset]
field_T = 0.002
hold_s = 0.05
"""
