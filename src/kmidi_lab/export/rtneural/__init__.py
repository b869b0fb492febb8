"""RTNeural JSON: written, parsed, run in NumPy and by the real library; the C++ header."""
