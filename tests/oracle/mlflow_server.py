"""A real MLflow server holds what a training told it: python3 -P mlflow_server.py MODELS_TEST
Needs mlflow; exits with 77 (skipped) where it is absent."""
import os
import socket
import subprocess
import sys
import tempfile
import time

try:
    import mlflow
    from mlflow.tracking import MlflowClient
except ImportError as missing:
    print(f"skipped: {missing}; pip install mlflow")
    sys.exit(77)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{folder}/runs.db", "--default-artifact-root", folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            for _ in range(120):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert server.poll() is None, "the server ended by itself"
                time.sleep(0.5)
            url = f"http://127.0.0.1:{port}"
            subprocess.run([sys.argv[1], "-tc=a training tells TensorBoard*"], check=True, env={**os.environ, "WALRAS_MLFLOW": url})
            client = MlflowClient(url)
            experiment = client.get_experiment_by_name("walras, tests/1")
            runs = client.search_runs([experiment.experiment_id])
            assert len(runs) == 1, runs
            run = runs[0]
            assert run.info.status == "FINISHED", run.info.status
            assert run.data.params["training/epochs"] == "3", run.data.params
            losses = client.get_metric_history(run.info.run_id, "validation_loss")
            assert [m.step for m in losses] == [1, 2, 3] and all(m.value > 0 for m in losses), losses
            assert "information_coefficient" in run.data.metrics, run.data.metrics
            print(f"MLflow {mlflow.__version__} holds {len(run.data.params)} parameters and {len(run.data.metrics)} figures")
            print("1 passed, 0 failed")
        finally:
            os.killpg(server.pid, 15)
            server.wait()


if __name__ == "__main__":
    main()
