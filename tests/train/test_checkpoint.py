from errno import ENOSPC

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import load_file

from models import Module, Transformer
from tape import Tensor
from train import array_files, checkpoint
from train.array_files import read_arrays, write_arrays
from train.checkpoint import load_checkpoint, load_model, previous, save_checkpoint, save_model
from train.errors import Damaged, UserError
from train.optim import AdamW


def model_and_optimizer(seed=0, d_model=8, n_layers=1):
    model = Transformer(30, 6, d_model=d_model, n_layers=n_layers, n_heads=2, seed=seed)
    return model, AdamW(model.named_parameters(), 0.9, 0.99, 0.1)


def updated(updates):
    """A model and its optimiser after updates by random gradients."""
    model, optimizer = model_and_optimizer()
    rng = np.random.default_rng(updates)
    for _ in range(updates):
        gradients = {p: rng.standard_normal(p.shape, np.float32) for p in model.parameters()}
        optimizer.step(gradients, lr=0.1)
    return model, optimizer


def state(model, optimizer):
    return optimizer.updates, {
        name: array.tobytes()
        for part in (model, optimizer)
        for name, array in part.state_dict().items()
    }


def test_everything_comes_back_to_the_bit(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    saved, loaded = updated(3), model_and_optimizer(seed=1)
    save_checkpoint(path, *saved)
    load_checkpoint(path, *loaded)
    assert state(*loaded) == state(*saved)

    save_model(tmp_path / "model.safetensors", saved[0])
    other, _ = model_and_optimizer(seed=2)
    load_model(tmp_path / "model.safetensors", other)
    assert state(other, saved[1]) == state(*saved)


@pytest.mark.parametrize("save", [save_checkpoint, lambda path, model, _: save_model(path, model)])
def test_write_cut_in_the_middle_leaves_the_old_file(tmp_path, monkeypatch, save):
    path = tmp_path / "checkpoint.safetensors"
    save(path, *updated(1))
    old = path.read_bytes()

    def write_half(path, arrays, **facts):
        path.write_bytes(old[: len(old) // 2])
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_arrays", write_half)
    with pytest.raises(OSError, match=r"No space left on device: '.*checkpoint.safetensors'"):
        save(path, *updated(2))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_checkpoints_the_newest_that_is_whole_is_used(tmp_path, capsys):
    path = tmp_path / "checkpoint.safetensors"
    saved = [updated(n) for n in (1, 2, 3)]
    for each in saved:
        save_checkpoint(path, *each)
    assert {file.name for file in tmp_path.iterdir()} == {path.name, previous(path).name}
    loaded = model_and_optimizer()
    load_checkpoint(path, *loaded)
    assert state(*loaded) == state(*saved[2])
    assert capsys.readouterr().err == ""

    for damage in (flipped(path.read_bytes(), -9), b"", None):
        path.unlink() if damage is None else path.write_bytes(damage)
        load_checkpoint(path, *loaded)
        assert state(*loaded) == state(*saved[1])
        warned = capsys.readouterr().err
        assert warned.startswith(f"{path}: ")
        assert warned.endswith("; going on from checkpoint-previous.safetensors, after 2 steps\n")

    previous(path).write_bytes(b"")
    with pytest.raises(Damaged, match=r"checkpoint.safetensors: no such checkpoint"):
        load_checkpoint(path, *loaded)
    assert state(*loaded) == state(*saved[1])


def flipped(content, byte, bit=0):
    changed = bytearray(content)
    changed[byte] ^= 1 << bit
    return bytes(changed)


@given(st.data())
def test_no_bit_is_flipped_unseen(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    saved = updated(1)
    save_checkpoint(path, *saved)
    content = path.read_bytes()
    byte = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 400))
    path.write_bytes(flipped(content, byte, data.draw(st.integers(0, 7))))
    previous(path).unlink(missing_ok=True)
    loaded = model_and_optimizer()
    try:
        load_checkpoint(path, *loaded)
    except UserError:
        return
    assert state(*loaded) == state(*saved)  # white space in the header, for one


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("model.norm.bias", lambda x: x * np.nan, "norm.bias holds a value that is not finite"),
        ("model.norm.bias", lambda x: x.astype(np.int8), "is of dtype int8, not float32"),
        ("model.norm.bias", lambda x: x.astype(bool), "is of dtype bool, not float32"),
        ("model.norm.bias", lambda x: x.astype(np.float64), "is of dtype float64, not float32"),
        ("adamw.m.norm.bias", lambda x: x + np.inf, "m.norm.bias holds a value that is not finite"),
        ("adamw.v.norm.bias", lambda x: x - 1, "a mean of squares is negative"),
    ],
)
def test_numbers_that_no_run_has_are_not_believed(tmp_path, name, change, message):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, *updated(1))
    arrays, _ = read_arrays(path)
    write_arrays(path, arrays | {name: change(arrays[name])}, updates=1)
    with pytest.raises(Damaged, match=message):
        load_checkpoint(path, *model_and_optimizer())


@pytest.mark.parametrize("updates", [-1, True, "7", "007", 1.0, None])
def test_what_is_no_number_of_updates_is_not_believed(tmp_path, updates):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, *updated(1))
    write_arrays(path, read_arrays(path)[0], updates=updates)
    with pytest.raises(Damaged, match=f"{updates!r} is no number of updates"):
        load_checkpoint(path, *model_and_optimizer())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_shorter_numbers_are_converted_with_a_word(tmp_path, capsys, dtype):
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    model, _ = updated(1)
    state = model.state_dict().items()
    short = {name: torch.from_numpy(x).to(getattr(torch, dtype)) for name, x in state}
    save_file(short, tmp_path / "model.safetensors")
    loaded, _ = model_and_optimizer()
    load_model(tmp_path / "model.safetensors", loaded)
    for name, array in loaded.state_dict().items():
        np.testing.assert_array_equal(array, short[name].float().numpy())
    assert f"made of {dtype}, which is converted" in capsys.readouterr().err


def test_numbers_that_numpy_has_not_are_named(tmp_path):
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    save_file({"a": torch.ones(2, dtype=torch.float8_e4m3fn)}, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="a is of dtype F8_E4M3, which NumPy has not"):
        load_model(tmp_path / "model.safetensors", model_and_optimizer()[0])


@pytest.mark.parametrize("share", [0, 0.0001, 0.01, 0.5, 0.9999])
def test_file_cut_short(tmp_path, share):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, *updated(1))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    loaded = model_and_optimizer()
    before = state(*loaded)
    with pytest.raises(UserError, match=r"checkpoint.safetensors: cut short, or not a checkpoint"):
        load_checkpoint(path, *loaded)
    assert state(*loaded) == before


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"d_model": 16}, r"weight has shape \(\d+, 8\), not \(\d+, 16\)"),
        ({"n_layers": 2}, r"blocks\.1\.\S+ is missing"),
    ],
)
def test_file_of_another_model_changes_nothing(tmp_path, other, message):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, *updated(1))
    loaded = model_and_optimizer(**other)
    before = state(*loaded)
    with pytest.raises(
        UserError, match=rf"does not fit the configuration or tokenizer: .*{message}"
    ):
        load_checkpoint(path, *loaded)
    assert state(*loaded) == before


def test_optimiser_state_that_does_not_fit_is_named(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    model, optimizer = updated(1)
    name = next(iter(optimizer.m))
    whole = optimizer.m.pop(name)
    save_checkpoint(path, model, optimizer)
    optimizer.m[name] = whole
    with pytest.raises(UserError, match=r"checkpoint.safetensors: its optimiser state does not"):
        load_checkpoint(path, model, optimizer)


def test_file_that_is_no_checkpoint(tmp_path):
    path = tmp_path / "model.safetensors"
    model, optimizer = updated(1)
    with pytest.raises(UserError, match=r"model\.safetensors: no such checkpoint"):
        load_checkpoint(path, model, optimizer)
    save_model(path, model)
    assert load_file(path).keys() == model.state_dict().keys()
    with pytest.raises(UserError, match="holds a model, but no optimiser state"):
        load_checkpoint(path, model, optimizer)


LAYOUTS = {
    "as it is": lambda x: x,
    "transposed": lambda x: x.T.copy().T,
    "Fortran": np.asfortranarray,
    "reversed": lambda x: np.flip(np.flip(x).copy()),
    "with gaps": lambda x: np.repeat(x, 2, -1)[..., ::2] if x.ndim else x,
    "of another machine": lambda x: x.astype(x.dtype.newbyteorder()),
    "axes exchanged": lambda x: np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0) if x.ndim else x,
}


@given(
    arrays(
        st.sampled_from([np.float32, np.float64, np.float16]),
        array_shapes(min_dims=0),
        elements=st.floats(-9, 9, width=16),
    ),
    st.sampled_from([*LAYOUTS]),
)
@pytest.mark.pitfall("an array that is not C-contiguous when it is saved")
def test_trap_any_memory_layout_is_saved_as_the_numbers_that_it_shows(tmp_path_factory, x, layout):
    path = tmp_path_factory.getbasetemp() / "layout.safetensors"
    saved, loaded = Module(), Module()
    saved.w, saved.b = (
        Tensor(LAYOUTS[layout](x), True),
        Tensor(np.broadcast_to(x, (2, *x.shape)), True),
    )
    loaded.w, loaded.b = (
        Tensor(LAYOUTS[layout](x * 0), True),
        Tensor(np.zeros((2, *x.shape), x.dtype), True),
    )
    optimizers = [AdamW(model.named_parameters(), 0.9, 0.99, 0.1) for model in (saved, loaded)]
    optimizers[0].m["w"][...] = 2 * x
    save_checkpoint(path, saved, optimizers[0])
    load_checkpoint(path, loaded, optimizers[1])
    np.testing.assert_array_equal(loaded.w.data, x)
    np.testing.assert_array_equal(loaded.b.data, saved.b.data)
    np.testing.assert_array_equal(optimizers[1].m["w"], 2 * x)


def test_a_weight_that_was_transposed_trains_on_from_a_checkpoint(tmp_path):
    paths = [tmp_path / name for name in ("a", "b")]
    for path, turned in zip(paths, (False, True), strict=True):
        model, optimizer = updated(2)
        if turned:
            for p in model.parameters():
                p.data = np.asfortranarray(p.data)
        save_checkpoint(path, model, optimizer)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_file_of_a_later_version_names_both(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    monkeypatch.setattr(array_files, "VERSION", 99)
    save_checkpoint(path, *updated(1))
    with pytest.raises(UserError, match=r"is of version 99, and this program reads 1 to \d"):
        load_checkpoint(path, *model_and_optimizer())
