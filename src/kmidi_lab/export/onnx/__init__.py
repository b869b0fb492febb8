"""ONNX: written, and run with state."""
