"""A small C++ runtime beside RTNeural: one header, plans made from the RTNeural files (docs/cpp_runtime.md)."""
