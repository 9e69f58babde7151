"""A stand-in for AWS on this machine, which keeps state and refuses as the real one does.

moto answers; around it stands what moto leaves out: states that take a while, ClientToken, quotas,
permissions, lost replies. `python -m tests.cloud up` serves it for use by hand.
"""
