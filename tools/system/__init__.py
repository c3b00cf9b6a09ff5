"""The tests of `make test-system`: run the stack on the systems of its users, and against their servers.

`__main__` lists the steps. All of them run in minimal Debian systems in folders (debian_root), so only one package,
mmdebstrap, and no service is installed on the machine itself.
"""
