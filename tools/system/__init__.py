"""What `make test-system` does: try the stack on the systems and beside the servers that its users run.

`__main__` names the steps. Everything happens in minimal Debian systems in folders (debian_root), so that the machine
itself gets one package, mmdebstrap, and no service.
"""
