"""Models as graphs of ONNX: the equations of `models` once more, for one user at a time; tests compare the two."""
