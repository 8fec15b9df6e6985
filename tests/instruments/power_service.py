"""What keeps a computer awake on Linux, played on a private D-Bus: a desktop's, and logind's.

The daemon is the real one, the callers (wakepy, systemd-inhibit) are the real ones; only the
services at the other end are ours, and print what they are asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

SERVICE = """
import os, sys, threading
from jeepney import DBusErrorResponse, HeaderFields, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
address, name, denied = sys.argv[1:]
connection = open_dbus_connection(bus=address, enable_fds=True)
connection.send_and_get_reply(message_bus.RequestName(name))
print("ready", flush=True)
def released(end):
    os.read(end, 1)
    print("released", flush=True)
while True:
    message = connection.receive()
    if message.header.message_type is not MessageType.method_call:
        continue
    member = message.header.fields[HeaderFields.member]
    print(member, *message.body[:4], flush=True)
    if member == "UnInhibit" or member == "Uninhibit":
        connection.send(new_method_return(message))
    elif name != "org.freedesktop.login1":
        connection.send(new_method_return(message, "u", (7,)))
    elif member != "Inhibit":
        connection.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "s", ("x",)))
    elif message.body[0] == denied:
        error = "org.freedesktop.DBus.Error.AccessDenied"
        connection.send(new_error(message, error, "s", ("Permission denied",)))
    else:
        ours, theirs = os.pipe()
        connection.send(new_method_return(message, "h", (theirs,)))
        os.close(theirs)
        threading.Thread(target=released, args=(ours,), daemon=True).start()
"""


@contextmanager
def bus(folder):
    """A D-Bus daemon of its own; its address."""
    at = f"unix:dir={folder}"
    process = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address={at}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def service(address, name, denied=""):
    """A service of that name; its lines. What it is asked to inhibit is refused if `denied`."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE, address, name, denied],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process.stdout
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def powered(folder, *, desktop="", logind=False, denied=""):
    """The environment with a desktop's power service, or logind, or neither; their lines."""
    names = {"DBUS_SESSION_BUS_ADDRESS": desktop, "DBUS_SYSTEM_BUS_ADDRESS": ""}
    before = {name: os.environ.pop(name, None) for name in names}
    lines = {}
    with ExitStack() as stack:
        if desktop:
            address = stack.enter_context(bus(folder))
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = address
            lines["desktop"] = stack.enter_context(service(address, desktop))
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder}/nobody"
        if logind:
            address = stack.enter_context(bus(folder))
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address
            lines["logind"] = stack.enter_context(
                service(address, "org.freedesktop.login1", denied)
            )
        try:
            yield lines
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
