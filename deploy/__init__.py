"""The `niangjia` command line, and the system without containers that it starts, watches and stops."""
