"""The tools of others read what Walras writes: python3 -P exchange.py MODELS_TEST
Needs torch, numpy, safetensors, onnx, onnxruntime and tensorboard; exits with 77 (skipped) where one is absent."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
    import safetensors.numpy
    import torch
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    print(f"skipped: {missing}; pip install torch numpy safetensors onnx onnxruntime tensorboard")
    sys.exit(77)

SAMPLE = {"a.weight": [[1, -2, 3.5], [4, 5, 6]], "empty": numpy.zeros((0, 4)), "scalar": 7}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cases = "TensorBoard's checksums*,safetensors of any*,networks are exported*"
        subprocess.run([sys.argv[1], f"-tc={cases}"], check=True, env={**os.environ, "WALRAS_EXCHANGE": name})
        passed = 0
        for what, found in (("safetensors", safetensors.numpy.load_file(folder / "weights.safetensors")),
                            ("torch.load", torch.load(folder / "weights.pt", weights_only=True))):
            assert sorted(found) == sorted(SAMPLE), found
            for key, value in SAMPLE.items():
                numpy.testing.assert_array_equal(numpy.asarray(found[key]), numpy.asarray(value, dtype=numpy.float32))
            print(what, "reads the weights")
            passed += 1
        for file in sorted(folder.glob("model*.onnx")):
            onnx.checker.check_model(onnx.load(file), full_check=True)
            expected = json.loads(file.with_suffix(".json").read_text())
            rows = numpy.array(expected["inputs"], dtype=numpy.float32).reshape(-1, expected["channels"], expected["window"])
            out = onnxruntime.InferenceSession(file).run(None, {"window": rows})[0]
            worst = numpy.abs(out.ravel() - numpy.array(expected["outputs"])).max()
            assert worst < 2e-4, (file, worst)  # predictions near 10 in float32: 1e-5 of their size
            print(file.name, "agrees in onnxruntime to", worst)
            passed += 1
        assert passed == 5, passed
        events = EventAccumulator(str(folder / "events"))
        events.Reload()
        scalars = events.Scalars("loss")
        assert [(s.step, round(s.value, 6)) for s in scalars] == [(i, round(1 / (i + 1), 6)) for i in range(5)], scalars
        print("TensorBoard reads the scalars")
        print(f"{passed + 1} passed, 0 failed")


if __name__ == "__main__":
    main()
