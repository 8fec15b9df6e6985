"""Instruments as bytes-in/bytes-out objects, the device physics behind them, two transports."""
