"""A VISA library of a few lines that lists or opens as slowly as one likes: a real backend."""

from __future__ import annotations

import itertools
import threading

import pyvisa
from pyvisa import constants
from pyvisa.highlevel import VisaLibraryBase
from pyvisa.util import LibraryPath

SUCCESS = constants.StatusCode.success
_numbers = itertools.count(1)


class BlockingLibrary(VisaLibraryBase):
    """Lists its resources after `lists_after_s`; opening one takes `opens_after_s`, then fails."""

    resources: tuple[str, ...] = ()
    lists_after_s = 0.0
    opens_after_s = 0.0

    @staticmethod
    def get_library_paths():
        return (LibraryPath("blocking"),)

    def _init(self):
        self.calls = []
        self.wake = threading.Event()

    def open_default_resource_manager(self):
        return next(_numbers), self.handle_return_value(None, SUCCESS)

    def list_resources(self, session, query="?*::INSTR"):
        self.calls.append("list_resources")
        if self.lists_after_s:
            self.wake.wait(self.lists_after_s)
        return self.resources

    def open(self, session, resource_name, access_mode=None, open_timeout=None):
        self.calls.append(f"open {resource_name}")
        if self.opens_after_s:
            self.wake.wait(self.opens_after_s)
        raise pyvisa.VisaIOError(constants.StatusCode.error_resource_not_found)

    def close(self, session):
        return SUCCESS

    def set_attribute(self, session, attribute, attribute_state):
        return SUCCESS

    def disable_event(self, session, event_type, mechanism):
        return SUCCESS

    def discard_events(self, session, event_type, mechanism):
        return SUCCESS


def library(**attributes):
    """A library of its own with these attributes."""
    made = BlockingLibrary(LibraryPath(f"blocking-{next(_numbers)}", "test"))
    for name, value in attributes.items():
        setattr(made, name, value)
    return made
