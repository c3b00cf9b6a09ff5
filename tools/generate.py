"""Generate gen/ from proto/, offline: messages, gRPC stubs, their types, and the descriptor that Envoy loads.

proto/ names each REST route once; the same route under /v1 is added here (tools/versioned_routes.py). The imported
descriptors (google.api, google.rpc, buf.validate) come from installed wheels, so no schema registry is needed. Run by
`make generate`; `--check` (run by `make check`) also lints the contract, compares it with the last committed one for
breaking changes, and fails if gen/ is out of date. Both then call tools.verdicts, for docs/verdicts.md.
"""

import argparse
import filecmp
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from google.api import annotations_pb2, httpbody_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2
from google.rpc import error_details_pb2, status_pb2

from tools.versioned_routes import add_versioned_routes

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
GEN = ROOT / "gen"
DESCRIPTOR = "sentinel.binpb"
VALIDATE = "buf/validate/validate.proto"
# Envoy needs these two to convert the details of errors, although no file of the contract imports them.
FOR_ERRORS = [error_details_pb2.DESCRIPTOR.name, status_pb2.DESCRIPTOR.name]


def dependencies() -> descriptor_pb2.FileDescriptorSet:
    """All files that the contract may import, each after its own imports."""
    pool = descriptor_pool.Default()
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(proto: descriptor_pb2.FileDescriptorProto) -> None:
        for name in proto.dependency:
            if name not in files:
                add(from_pool(name))
        files[proto.name] = proto

    def from_pool(name: str) -> descriptor_pb2.FileDescriptorProto:
        proto = descriptor_pb2.FileDescriptorProto()
        pool.FindFileByName(name).CopyToProto(proto)
        return proto

    for module in (duration_pb2, timestamp_pb2, field_mask_pb2, struct_pb2, annotations_pb2, httpbody_pb2):
        add(from_pool(module.DESCRIPTOR.name))
    for name in FOR_ERRORS:
        add(from_pool(name))
    add(_validate_descriptor())
    return descriptor_pb2.FileDescriptorSet(file=files.values())


def _validate_descriptor() -> descriptor_pb2.FileDescriptorProto:
    """Return the descriptor of buf/validate/validate.proto from protovalidate's wheel."""
    from protovalidate._gen.buf.validate import validate_pb  # noqa: PLC0415 — a private module of the wheel

    return descriptor_pb2.FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())


def run(*command: str | Path) -> None:
    """Run a tool; exit with its own message if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)


def tool(name: str) -> Path:
    """Return the path of a command that is installed beside this interpreter."""
    return Path(sysconfig.get_path("scripts")) / name


def generate(into: Path, image: Path) -> None:
    """Generate all files into a folder, and an image with comments (for lint) next to it."""
    protoc = [sys.executable, "-m", "grpc_tools.protoc"]
    with tempfile.TemporaryDirectory() as temporary:
        imported = Path(temporary) / "imported.binpb"
        imported.write_bytes(dependencies().SerializeToString())
        ours = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
        read = [*protoc, f"--descriptor_set_in={imported}", f"-I{PROTO}", "--include_imports"]
        run(*read, "--include_source_info", f"--descriptor_set_out={image}", *FOR_ERRORS, VALIDATE, *ours)
        files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
        add_versioned_routes(files)
        image.write_bytes(files.SerializeToString())
        completed = Path(temporary) / "completed.binpb"
        completed.write_bytes(_without_json_names(files).SerializeToString())
        protoc.append(f"--descriptor_set_in={completed}")
        run(
            *protoc,
            f"--python_out={into}",
            f"--pyi_out={into}",
            f"--grpc_python_out={into}",
            f"--plugin=protoc-gen-mypy_grpc={tool('protoc-gen-mypy_grpc')}",
            f"--mypy_grpc_out=quiet:{into}",
            *ours,
        )
        run(*protoc, f"--python_out={into}", f"--pyi_out={into}", VALIDATE)
        run(*protoc, "--include_imports", f"--descriptor_set_out={into / DESCRIPTOR}", *FOR_ERRORS, *ours)
    for stub in into.rglob("*_pb2_grpc.py"):  # files without a service get an empty one
        if "class " not in stub.read_text():
            stub.unlink()
            stub.with_suffix(".pyi").unlink()


def _without_json_names(files: descriptor_pb2.FileDescriptorSet) -> descriptor_pb2.FileDescriptorSet:
    """Remove the JSON names of fields, which protoc derives, so that the modules do not contain them again."""
    shorter = descriptor_pb2.FileDescriptorSet()
    shorter.CopyFrom(files)
    for file in (file for file in shorter.file if file.name != VALIDATE):
        fields, messages = [*file.extension], [*file.message_type]
        while messages:
            message = messages.pop()
            messages += message.nested_type
            fields += [*message.field, *message.extension]
        for field in fields:
            field.ClearField("json_name")
    return shorter


def differences(fresh: Path, committed: Path) -> list[str]:
    """Return the paths of files that differ between two folders."""
    names = {
        str(path.relative_to(folder))
        for folder in (fresh, committed)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    _, mismatch, missing = filecmp.cmpfiles(fresh, committed, sorted(names), shallow=False)
    return sorted(mismatch + missing)


def last_committed_descriptor(current: bytes) -> bytes | None:
    """Return the newest committed descriptor that differs from the current one; the change must be compatible with it.

    Only the main line counts: what a branch contained before its merge was never published.
    """
    path = f"gen/{DESCRIPTOR}"
    log = subprocess.run(
        ["git", "log", "--first-parent", "-n", "2", "--format=%H", "--", path],  # noqa: S607 — git, wherever it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    for commit in log.stdout.split():
        shown = subprocess.run(
            ["git", "show", f"{commit}:{path}"],  # noqa: S607 — git, wherever it is
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if shown.returncode == 0 and shown.stdout != current:
            return shown.stdout
    return None


def check() -> None:
    """Lint the contract, compare it with the last committed one, and gen/ with what proto/ generates."""
    buf = tool("buf")
    run(buf, "format", "-d", "--exit-code", "proto")
    with tempfile.TemporaryDirectory() as temporary:
        fresh, image, before = (Path(temporary) / name for name in ("gen", "image.binpb", "before.binpb"))
        fresh.mkdir()
        generate(fresh, image)
        run(buf, "lint", image, "--config", "buf.yaml")
        committed = last_committed_descriptor((fresh / DESCRIPTOR).read_bytes())
        if committed is not None:
            before.write_bytes(committed)
            run(buf, "breaking", image, "--against", before, "--config", "buf.yaml")
        stale = differences(fresh, GEN)
        if stale:
            sys.exit("gen/ is out of date; run `make generate` and commit: " + ", ".join(stale))
    run(sys.executable, "-m", "tools.verdicts", "--check")


def main() -> None:
    """Generate all files, or check that they are up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="fail if something is out of date, without changing anything"
    )
    if parser.parse_args().check:
        check()
        return
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / "gen"
        fresh.mkdir()
        generate(fresh, Path(temporary) / "image.binpb")
        shutil.rmtree(GEN, ignore_errors=True)
        shutil.copytree(fresh, GEN)
    # In another process, because it imports the generated modules.
    run(sys.executable, "-m", "tools.verdicts")


if __name__ == "__main__":
    main()
