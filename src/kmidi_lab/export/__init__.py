"""From a trained network to proved artefacts: ONNX, RTNeural JSON, parity, golden vectors, latency, registry, card."""
