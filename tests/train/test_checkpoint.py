import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors import SafetensorError
from safetensors.numpy import load_file

from models import Module, Transformer
from tape import Tensor
from train import checkpoint
from train.checkpoint import load_checkpoint, load_model, save_checkpoint, save_model
from train.errors import UserError
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

    def save_half(arrays, filename, metadata=None):
        filename.write_bytes(old[: len(old) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", save_half)
    with pytest.raises(OSError, match="No space left"):
        save(path, *updated(2))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


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


def test_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    def full(*_):
        raise SafetensorError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match=r"model.safetensors cannot be written: No space left"):
        save_model(tmp_path / "model.safetensors", updated(1)[0])


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
    monkeypatch.setattr(checkpoint, "VERSION", 99)
    save_checkpoint(path, *updated(1))
    with pytest.raises(UserError, match=r"is of version 99, and this program reads 1 to \d"):
        load_checkpoint(path, *model_and_optimizer())
