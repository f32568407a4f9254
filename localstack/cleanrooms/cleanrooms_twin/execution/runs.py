"""Protected queries in time: SUBMITTED, STARTED, and how they end. The clock moves them, never a read.

Must not know rules. A query is an entity of the world; what it needs to run was put into its private fields at submit.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from .storage import StorageError

LIVE = ("SUBMITTED", "STARTED", "CANCELLING")
TICK_S = 0.05
PARALLEL = 2


class Failed(Exception):
    """A run that ends badly."""

    def __init__(self, code, message, status="FAILED"):
        super().__init__(message)
        self.code, self.status = code, status


class Runs:
    """Moves every live query along."""

    def __init__(self, twin):
        self.twin = twin
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="run")
        self._pending = set()
        threading.Thread(target=self._tick_forever, daemon=True, name="clock").start()

    def _tick_forever(self):
        while True:
            time.sleep(TICK_S)
            try:
                self.tick()
            except Exception:  # a broken tick must not stop the clock; it shows in the log of the process
                sys.excepthook(*sys.exc_info())

    def _live(self):
        return [(world, q) for world in self.twin.worlds.all() for q in list(world.queries.values()) if q["status"] in LIVE]

    def tick(self):
        """Everything that is due by the clock; true when something moved."""
        moved = False
        with self.twin.lock:
            now = self.twin.clock.now()
            for world, query in self._live():
                if query["status"] == "SUBMITTED" and now >= query["_start_at"]:
                    self._start(query, now)
                    moved = True
                if query["status"] == "STARTED" and now >= query["_finish_at"] and not query.get("_running"):
                    query["_running"] = True
                    self._pending.add(self._pool.submit(self._run, world, query))
                    moved = True
                if query["status"] == "CANCELLING" and now >= query["_cancel_at"]:
                    self._end(query, "CANCELLED", now)
                    moved = True
            self._pending = {p for p in self._pending if not p.done()}
        return moved

    def settle(self):
        """Until nothing more is due: whoever advances the clock finds it done."""
        while True:
            moved = self.tick()
            with self.twin.lock:
                pending = list(self._pending)
            wait(pending)
            if not moved and not pending:
                return

    def abandon(self):
        """Forgets what runs; its results go nowhere."""
        for _, query in self._live():
            query["status"] = "CANCELLED"

    def _start(self, query, now):
        refusal = query.get("_refusal")
        if refusal:
            self._end(query, "FAILED", now, {"code": refusal[0], "message": refusal[1]})
            return
        query["status"] = "STARTED"
        query["_finish_at"] = max(query["_start_at"], query["createTime"]) + self.twin.settings.query_run_s
        self._tell(query, "Started")

    def _end(self, query, status, now, error=None, result=None):
        query["status"] = status
        query["statistics"] = {"totalDurationInMillis": int(1000 * (now - query["createTime"])), "billedResourceUtilization": {"units": 0.0}}
        if error:
            query["error"] = error
        if result:
            query["result"] = result
        self._tell(query, {"SUCCESS": "Succeeded", "TIMED_OUT": "Timed Out"}.get(status, status.title()))

    def _tell(self, query, what):
        event = {"source": "aws.cleanrooms", "detail-type": f"Protected Query {what}", "account": query["_owner"], "region": query["_region"],
                 "time": self.twin.clock.now(), "detail": {"id": query["id"], "membershipId": query["membershipId"], "status": query["status"]}}
        if not self.twin.faults.take("lose_event", None, query["_owner"]):
            self.twin.events.append(event)

    def _run(self, world, query):
        try:
            with tempfile.TemporaryDirectory(prefix="cleanrooms-run-") as folder:
                outcome = self._outcome(world, query, Path(folder))
        except Failed as failed:
            outcome = failed
        except Exception as error:
            sys.excepthook(*sys.exc_info())
            outcome = Failed("INTERNAL_ERROR", f"TWIN: {type(error).__name__}: {error}")
        with self.twin.lock:
            if query["status"] != "STARTED":
                return
            now = self.twin.clock.now()
            if isinstance(outcome, Failed):
                error = {"code": outcome.code, "message": str(outcome)}
                if outcome.code == "TRANSIENT_ERROR":
                    error["retry"] = {"retryable": True}
                self._end(query, outcome.status, now, error)
            else:
                self._end(query, "SUCCESS", now, result=outcome)

    def _outcome(self, world, query, folder):
        """The result as it will be read, after its files were delivered."""
        from ..resources.protected_queries import still_allowed

        owner = query["_owner"]
        if self.twin.faults.take("query_timeout", "StartProtectedQuery", owner):
            raise Failed("INTERNAL_ERROR", "The query timed out", "TIMED_OUT")
        if fault := self.twin.faults.take("query_failure", "StartProtectedQuery", owner):
            raise Failed(fault.code, "An injected failure")
        with self.twin.lock:
            self._roles(query)
            if self.twin.settings.in_flight == "fail":
                refusal = still_allowed(self.twin, world, query)
                if refusal:
                    raise Failed("RESOURCE_ACCESS_DENIED", f"No longer allowed: {refusal}")
        made = self._compute(query, folder)
        with self.twin.lock:
            if query["status"] != "STARTED":
                return None
        self._deliver(query, made)
        return query["_result"]

    def _roles(self, query):
        """A role that gives no access any more stops the run: the owner's only hard stop."""
        for arn in [t["role"] for t in query["_tables"]] + [d["role"] for d in query["_deliveries"] if d.get("role")]:
            role = self.twin.catalogue.roles.get(arn)
            if role and not role.allows:
                raise Failed("RESOURCE_ACCESS_DENIED", f"The role {arn} gives no access")

    def _compute(self, query, folder):
        deadline = time.monotonic() + self.twin.settings.execution_s_max
        tables = {}
        try:
            for number, table in enumerate(query["_tables"]):
                files = self.twin.storage.fetch(table["location"], table["owner"], query["_region"], folder / f"table-{number}")
                tables[table["name"]] = {"files": files, "columns": table["columns"]}
        except StorageError as error:
            raise Failed("RESOURCE_ACCESS_DENIED", str(error)) from error
        out = folder / "result"
        out.mkdir()
        parts = 1 if all(d["single"] for d in query["_deliveries"]) else max(1, int(self.twin.settings.result_parts))
        job = {"tables": tables, "sql": query["_sql"], "outputs": query["_outputs"], "folder": str(out), "parts": parts,
               "formats": sorted({d["format"] for d in query["_deliveries"]})}
        try:
            child = subprocess.run([sys.executable, "-m", "cleanrooms_twin.execution.engine"], input=json.dumps(job), capture_output=True, text=True,
                                   timeout=max(0.1, deadline - time.monotonic()), check=False)
        except subprocess.TimeoutExpired as error:
            raise Failed("INTERNAL_ERROR", "The query took too long", "TIMED_OUT") from error
        if child.returncode:
            raise Failed("INTERNAL_ERROR", f"TWIN: the engine ended with {child.returncode}: {child.stderr[-500:]}")
        answer = json.loads(child.stdout)
        if "error" in answer:
            raise Failed(answer["code"], answer["error"])
        return answer["files"]

    def _deliver(self, query, made):
        """Every receiver's files, under bucket/prefix/id/."""
        try:
            for delivery in query["_deliveries"]:
                for path in made[delivery["format"]]:
                    self.twin.storage.put(delivery["bucket"], delivery["key"] + Path(path).name, path, delivery["account"], query["_region"])
        except StorageError as error:
            raise Failed("RESOURCE_ACCESS_DENIED", str(error)) from error
