"""A stand-in for Paperspace's v1 API, which keeps state and refuses as the real one does.

What it allows is written down in `openapi.yaml`, our own subset. Where the real one's behaviour is
not known, the stand-in takes the harder case. `python -m tests.paperspace up` serves it by hand.
"""
