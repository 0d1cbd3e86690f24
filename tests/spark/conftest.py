"""A Spark session, a small standalone cluster, and what the real Spark NLP answered.

`make test-spark` installs PySpark; elsewhere, these tests are not collected.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.spark_sessions import session

if find_spec("pyspark") is None:
    collect_ignore_glob = ["test_*.py"]

GOLDENS = Path(__file__).parents[1] / "goldens" / "spark_nlp"

# Workers of Spark are other processes: they need to be told which Python has distilnp.
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
# What Spark finds out by itself may be a name that only the network of the machine knows.
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"


@pytest.fixture(scope="package")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a session on two cores of this machine."""
    # Python workers import from the folder that Spark was started in. The sources must not be there.
    with chdir(tmp_path_factory.mktemp("spark")):
        spark = session("local[2]")
    yield spark
    spark.stop()


@pytest.fixture(scope="session")
def stages() -> dict[str, Any]:
    """Return the Params, methods and errors of Spark NLP's stages."""
    return json.loads((GOLDENS / "stages.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def spark_nlp(data: Path) -> Path:
    """Return the folder with Spark NLP's answers, and the weights that they were computed with."""
    return data / "spark_nlp"


@pytest.fixture(scope="session")
def answers(spark_nlp: Path) -> list[dict[str, Any]]:
    """Return what Spark NLP answered: a record for each setting and text."""
    lines = (spark_nlp / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a master and two workers of a standalone cluster; return the master's address."""
    import pyspark

    home = Path(pyspark.__file__).parent
    folder = tmp_path_factory.mktemp("cluster")
    env = {**os.environ, "SPARK_HOME": os.fspath(home), "SPARK_DAEMON_MEMORY": "256m"}
    processes = []

    def start(name: str, role: str, host: str, *arguments: str) -> Path:
        command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{role}", "--host", host]
        own = {**env, "SPARK_LOCAL_IP": host}
        with (folder / f"{name}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    [*command, "--port", "0", "--webui-port", "0", *arguments],
                    env=own,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
        return folder / f"{name}.log"

    def wait_for(log: Path, pattern: str) -> str:
        for _ in range(600):
            if match := re.search(pattern, log.read_text(errors="replace")):
                return match[0]
            time.sleep(0.1)
        raise AssertionError(log.read_text(errors="replace"))

    try:
        master = wait_for(start("master", "master.Master", "127.0.0.1"), r"spark://[\d.]+:\d+")
        # Two addresses, because Spark tries a slow task again only on another host.
        logs = [
            start(host, "worker.Worker", host, "--cores", "1", "--memory", "1g", "--work-dir", work, master)
            for host in ("127.0.0.1", "127.0.0.2")
            for work in [os.fspath(folder / f"work-{host}")]
        ]
        for log in logs:
            wait_for(log, "Successfully registered with master")
        yield master
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
