"""One Qt-free generator each, yielding frozen events, returning the artefact."""
