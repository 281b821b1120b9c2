"""The carriers' APIs behind one interface: base.py. One file for each carrier; README.md says how to add one."""
