"""The files in examples/deploy, read by PyYAML and held to a gateway that runs: what an alert or a panel asks for is measured there, what a probe
asks answers, what refers to something finds it, and everything has its limits. Then each file is broken in one place, and has to be found out.

Must not know: what any of it is for.
"""

import argparse
import contextlib
import copy
import http.client
import json
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import airlock

try:
    import yaml

    import served

    MISSING = None
except ImportError as error:
    MISSING = error.name

FILES = airlock.ROOT / "examples" / "deploy"
CLUSTER = FILES / "kubernetes"
# Words of PromQL that are no metric's name.
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "inf", "nan"}
# How a pod is asked where a probe names no host.
KUBELET = "10.0.0.9:8470"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def metrics_of(expression):
    """The names of metrics in an expression of PromQL."""
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', "", expression)
    plain = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\$\w+", " ", plain)
    plain = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", plain)
    found = re.finditer(r"(?<![\w.])([a-zA-Z_:][\w:]*)(\s*\()?", plain)
    return {one[1] for one in found if not one[2] and one[1].lower() not in WORDS}


def exposed(text):
    """The names that a scrape has, in the text form of Prometheus."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    names = set(re.findall(r"^([a-zA-Z_:][\w:]*)", text, re.MULTILINE)) | set(kinds)
    # Of what has not happened yet only the kind is there.
    return names | {name + end for name, kind in kinds.items() if kind == "histogram" for end in ("_bucket", "_sum", "_count")}


def everything(node, key):
    """Every value under a key, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from everything(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from everything(value, key)


class Files:
    """All that is committed, as it is read."""

    def __init__(self):
        read = lambda path: list(yaml.safe_load_all(path.read_text(encoding="utf-8")))  # noqa: E731
        (self.alerts,) = read(FILES / "alerts.yaml")
        self.dashboard = json.loads((FILES / "dashboard.json").read_text(encoding="utf-8"))
        self.cluster = {path.name: read(path) for path in sorted(CLUSTER.glob("*.yaml"))}
        self.settings = tomllib.loads((CLUSTER / "gateway.toml").read_text(encoding="utf-8"))

    def kustomization(self):
        """How the set is put together."""
        (one,) = self.cluster["kustomization.yaml"]
        return one

    def resources(self):
        """Every document of the set."""
        return [one for name, all_of in self.cluster.items() if name != "kustomization.yaml" for one in all_of]

    def of(self, kind):
        """Those of a kind, by name."""
        return {one["metadata"]["name"]: one for one in self.resources() if one["kind"] == kind}

    def pods(self):
        """Templates of pods, each with the claims beside it."""
        for one in self.resources():
            if template := one.get("spec", {}).get("template"):
                yield one["metadata"]["name"], template["spec"], one["spec"].get("volumeClaimTemplates", [])


def measured(files, names):
    """Alerts and panels that ask for what nobody measures."""
    rules = [rule for group in files.alerts["groups"] for rule in group["rules"]]
    asked = [(f"alert {rule['alert']}", rule["expr"]) for rule in rules]
    asked += [(f"panel {panel['title']}", target["expr"]) for panel in files.dashboard["panels"] for target in panel.get("targets", [])]
    queries = everything(files.dashboard["templating"], "query")
    asked += [("a variable of the dashboard", query) for query in queries if isinstance(query, str) and "(" in query]
    for where, expression in asked:
        found = metrics_of(expression)
        if not found:
            yield f"{where} asks for no metric"
        for name in sorted(found - names):
            yield f"{where} asks for {name}, which /metrics does not have"
    if len(rules) < 10 or not any(where.startswith("panel") for where, _ in asked):
        yield "there are hardly any alerts or panels"


def referred(files):
    """What refers to something that is not in the set."""
    kustomization = files.kustomization()
    listed = set(kustomization["resources"])
    for name in sorted(listed ^ (set(files.cluster) - {"kustomization.yaml"})):
        yield f"kustomization.yaml and the folder differ about {name}"
    generated = {kind: {one["name"] for one in kustomization.get(f"{kind}Generator", [])} for kind in ("configMap", "secret")}
    for one in kustomization.get("configMapGenerator", []) + kustomization.get("secretGenerator", []):
        for file in one.get("files", []):
            if not (CLUSTER / file.rpartition("=")[2]).is_file():
                yield f"kustomization.yaml takes {file}, which is not there"
    known = {"configMap": generated["configMap"] | set(files.of("ConfigMap")), "secret": generated["secret"] | set(files.of("Secret"))}
    for name, pod, claims in files.pods():
        words = [("configMap", "configMap", "name"), ("configMap", "configMapRef", "name"), ("configMap", "configMapKeyRef", "name"),
                 ("secret", "secret", "secretName"), ("secret", "secretRef", "name"), ("secret", "secretKeyRef", "name")]
        for kind, key, called in words:
            for one in everything(pod, key):
                if one.get(called) not in known[kind]:
                    yield f"{name} refers to the {kind} {one.get(called)}, which is not there"
        if pod.get("serviceAccountName") not in files.of("ServiceAccount"):
            yield f"{name} refers to a ServiceAccount that is not there"
        volumes = {one["name"] for one in pod.get("volumes", [])} | {one["metadata"]["name"] for one in claims}
        for mount in (mount for mounts in everything(pod, "volumeMounts") for mount in mounts):
            if mount["name"] not in volumes:
                yield f"{name} mounts {mount['name']}, which is no volume"
    for name, one in files.of("StatefulSet").items():
        if one["spec"].get("serviceName") not in files.of("Service"):
            yield f"{name} refers to a Service that is not there"
    for where, port in ports_meant(files):
        if port not in ports_named(files):
            yield f"{where} means the port {port}, which no container has"


def ports_named(files):
    """The ports of containers, by name."""
    return {port["name"]: port["containerPort"] for _, pod, _ in files.pods() for one in pod["containers"] for port in one.get("ports", [])}


def ports_meant(files):
    """The names of ports that services, policies and probes mean."""
    for name, one in files.of("Service").items():
        yield from ((f"the Service {name}", port["targetPort"]) for port in one["spec"]["ports"])
    for name, one in files.of("NetworkPolicy").items():
        ports = (port for rule in one["spec"].get("ingress", []) for port in rule.get("ports", []))
        yield from ((f"the NetworkPolicy {name}", port["port"]) for port in ports)
    for name, pod, _ in files.pods():
        for probe in PROBES:
            yield from ((f"the {probe} of {name}", one["httpGet"]["port"]) for one in everything(pod, probe))


def bounded(files):
    """Containers without their limits, and ports that are not the gateway's."""
    for name, pod, _ in files.pods():
        for one in pod["containers"] + pod.get("initContainers", []):
            has = one.get("resources", {})
            wanted = [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")]
            yield from (f"{name}/{one['name']} has no {of} of {what}" for of, what in wanted if not has.get(of, {}).get(what))
        for one in pod["containers"]:
            yield from (f"{name}/{one['name']} has no {probe}" for probe in PROBES if probe not in one)
    for section in ("http", "metrics"):
        port = int(files.settings[section]["listen"].rpartition(":")[2])
        if ports_named(files).get(section) != port:
            yield f"gateway.toml listens at {port} for {section}, and the container's port is {ports_named(files).get(section)}"


def probed(files, gateway):
    """Probes that don't answer."""
    for name, pod, _ in files.pods():
        for probe in PROBES:
            for one in everything(pod, probe):
                asked = one["httpGet"]
                told = gateway.ask("GET", asked["path"], headers={"Host": KUBELET} | {line["name"]: line["value"] for line in asked.get("httpHeaders", [])})
                if told.status != 200:
                    yield f"the {probe} of {name} asks {asked['path']}, which answers {told.status}"


def scraped(port):
    """What is measured."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        if answer.status != 200:
            raise AssertionError(f"/metrics answers {answer.status}")
        return answer.read().decode()
    finally:
        connection.close()


def wrong_with(files, gateway, names):
    """All that is wrong."""
    return [*measured(files, names), *referred(files), *bounded(files), *probed(files, gateway)]


def broken(files):
    """The same files, broken in one place each, by what is broken."""
    def the(change):
        other = copy.deepcopy(files)
        change(other)
        return other

    pod = lambda of: next(pod for _, pod, _ in of.pods())  # noqa: E731
    rule = lambda of: of.alerts["groups"][0]["rules"][1]  # noqa: E731
    yield "an alert of nothing", the(lambda of: rule(of).update(expr="max(airlock_revocation_age) > 300"))
    yield "an alert without a metric", the(lambda of: rule(of).update(expr="vector(1) > 0"))
    yield "a panel of nothing", the(lambda of: of.dashboard["panels"][0]["targets"][0].update(expr="sum(rate(airlock_nothing_total{a=\"b\"}[5m])) by (a)"))
    yield "a probe of nothing", the(lambda of: pod(of)["containers"][0]["livenessProbe"]["httpGet"].update(path="/livez"))
    yield "a probe by another name", the(lambda of: pod(of)["containers"][0]["readinessProbe"]["httpGet"].pop("httpHeaders"))
    yield "no probe", the(lambda of: pod(of)["containers"][0].pop("startupProbe"))
    yield "another ConfigMap", the(lambda of: pod(of)["volumes"][0]["configMap"].update(name="airlocks"))
    yield "a Secret that is not there", the(lambda of: pod(of)["containers"][0].update(envFrom=[{"secretRef": {"name": "store"}}]))
    yield "another Service", the(lambda of: of.of("StatefulSet")["airlock"]["spec"].update(serviceName="airlocks"))
    yield "another ServiceAccount", the(lambda of: pod(of).update(serviceAccountName="default"))
    yield "a mount of nothing", the(lambda of: pod(of)["containers"][0]["volumeMounts"].append({"name": "cache", "mountPath": "/c"}))
    yield "a file that is not taken", the(lambda of: of.kustomization()["resources"].remove("service.yaml"))
    yield "a file that is not there", the(lambda of: of.kustomization()["configMapGenerator"][0]["files"].append("brand.jwks.json"))
    yield "no limit of memory", the(lambda of: pod(of)["containers"][0]["resources"]["limits"].pop("memory"))
    yield "no requests", the(lambda of: pod(of)["initContainers"][0]["resources"].pop("requests"))
    yield "another port", the(lambda of: of.settings["metrics"].update(listen="0.0.0.0:9471"))
    yield "a port by another name", the(lambda of: of.of("Service")["airlock-metrics"]["spec"]["ports"][0].update(targetPort="prometheus"))


@contextlib.contextmanager
def serving(arguments, folder):
    """A gateway that is measured, and the port at which it is; another where somebody took that one meanwhile."""
    with contextlib.ExitStack() as stack:
        for left in (2, 1, 0):
            gateway, port = served.Served(airlock.binary(arguments.airlock), folder / str(left)), served.free_port()
            gateway.more = ["[metrics]", f'listen = "127.0.0.1:{port}"']
            try:
                stack.enter_context(gateway)
                break
            except AssertionError:
                if not left:
                    raise
        yield gateway, port


def judge(arguments, folder):
    """Reads all of it, beside a gateway that runs."""
    files = Files()
    with serving(arguments, folder) as (gateway, port):
        gateway.ready(30)
        gateway.ask("GET", "/v1/me", gateway.token("alfa"))
        names = exposed(scraped(port))
        wrong = wrong_with(files, gateway, names)
        found = [(what, wrong_with(other, gateway, names)) for what, other in broken(files)]
    missed = [what for what, said in found if len(said) <= len(wrong)]
    for what in wrong:
        print(f"WRONG: {what}")
    for what in missed:
        print(f"MISSED: {what} was not found out")
    rules = sum(len(group["rules"]) for group in files.alerts["groups"])
    print(f"{rules} alerts and {len(files.dashboard['panels'])} panels over {len(names)} names that are measured, {len(files.resources())} documents of a cluster: "
          f"{len(wrong)} wrong; broken in {len(found)} places, {len(found) - len(missed)} found out")
    return 1 if wrong or missed else 0


def main():
    """Judges."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--airlock")
    parser.add_argument("--allow-not-run", action="store_true")
    arguments = parser.parse_args()

    def work():
        if MISSING:
            raise airlock.NotRun(f"{MISSING} is not installed; requirements-http.txt names it")
        folder = Path(tempfile.mkdtemp(prefix="airlock-deploy-"))
        try:
            return judge(arguments, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return airlock.guarded(work, arguments.allow_not_run)


if __name__ == "__main__":
    sys.exit(main())
