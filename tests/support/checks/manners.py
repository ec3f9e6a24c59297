"""What every function leaves as it was: the model's mode, its inputs' dtype and values, the random generators.

Each of these manners is one row of the course. A row goes over the functions that the course asks for, calls each once
or a few times with plain valid inputs, and names those that lack the manner. A function that raises, hangs or crashes,
or that returns something other than it should, is not judged here: other checks say so.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograder.door.diagnose import fail, quoted
from autograder.door.submission import Figure, Handle, Lost, NotImplementedYet, Reply, Submission, SubmissionError
from support.checks import gmvae
from support.checks.networks import random_images
from support.checks.sampling import random_posterior, sampler
from support.probe_oracle import random_probe
from support.strategies import make_mixture

Shape = tuple[int, ...]
BOTH, SINGLE = ("float32", "float64"), ("float32",)
# The two networks of a model in the modes in which it is given, and the model's own mode.
MODES = ((True, True, True), (False, False, False), (True, False, False), (False, True, True))


@dataclass(frozen=True)
class Call:
    """A plain valid call of a function, and what should come of it.

    Attributes:
        task: name of the task that asks for the function.
        target: "module.function"; or ".method" of the model.
        arguments: makes them, without the model. Arrays of float64 are sent in the dtype that a manner is judged with.
        shapes: of the tensors that are returned; a list of this many numbers if it is an int; None for a figure.
        dtypes: which floating dtypes of the arguments the result must keep; () if it has none to keep.
        model: makes the model that is the first argument, or that has the method.
        parts: of the model, which must come back in the modes in which they came; () if nothing is asked of modes.
        trains: the model must be left in train mode instead.
        stand_ins: functions of other tasks that it calls, replaced by trusted ones.
        name: what it is called in messages, "" for the last part of `target`.
    """

    task: str
    target: str
    arguments: Callable[[np.random.Generator], Sequence[Any]]
    shapes: "tuple[Shape, ...] | int | None"
    dtypes: tuple[str, ...] = ()
    model: Callable[[Submission, np.random.Generator], Handle] | None = None
    parts: tuple[str, ...] = ()
    trains: bool = False
    stand_ins: tuple[str, ...] = ()
    name: str = ""

    @property
    def what(self) -> str:
        return self.name or self.target.rpartition(".")[2]


def _normals(rng: np.random.Generator) -> Sequence[Any]:
    return rng.normal(size=(3, 4)), rng.uniform(0.5, 2, (3, 4)), rng.normal(size=(3, 4)), rng.uniform(0.5, 2, (3, 4))


def _distributions(rng: np.random.Generator) -> Sequence[Any]:
    p, q = rng.dirichlet(np.ones(4), size=(2, 5))
    p[:, 0] = 0
    return p / p.sum(axis=1, keepdims=True), q


def _mixture(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    return tuple(make_mixture(rng, 3, 2).arguments)


def _images(rng: np.random.Generator) -> list[np.ndarray]:
    return [random_images(rng, 6)]


def _codes(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.normal(size=(6, 2))]


def _labelled(rng: np.random.Generator) -> Sequence[Any]:
    return *_images(rng), np.arange(6) + 3


def _elbo(rng: np.random.Generator) -> Sequence[Any]:
    return *rng.uniform(size=(2, 5, 1, 28, 28)), *random_posterior(rng, 5, 3, dtype=np.float64)


def _components(rng: np.random.Generator) -> Sequence[Any]:
    return rng.normal(size=(5, 3)), rng.normal(size=(1, 4, 3)), rng.uniform(0.5, 2, (1, 4, 3))


def _probe(submission: Submission, rng: np.random.Generator, kind: str = "vae") -> Handle:
    return random_probe(rng, 2, kind).send(submission)


def _autoencoder(submission: Submission, rng: np.random.Generator) -> Handle:
    return submission.call("AE.Autoencoder", latent_dim=2)


def _vae(submission: Submission, rng: np.random.Generator, architecture: str) -> Handle:
    return submission.call("VAE.VAE", latent_dim=2, architecture=architecture)


def _gmvae(submission: Submission, rng: np.random.Generator) -> Handle:
    return gmvae.load_model(submission, gmvae.make_weights(rng, z_dim=3, k=4))


IMAGES, CODES, SCALAR = (6, 1, 28, 28), (6, 2), ()
COSTS = ("ELBO.negative_log_likelihood", "ELBO.kl_diag_normal")
LOSS = (*COSTS, "ELBO.elbo_loss")
_on_probe = partial(Call, model=_probe, parts=("encoder", "decoder"))
_networks = partial(Call, dtypes=BOTH)

CALLS: tuple[Call, ...] = (
    Call("kl_univariate_normal", "kl.kl_univariate_normal", _normals, ((3, 4),), BOTH),
    Call("kl_categorical", "kl.kl_categorical", _distributions, ((5,),), BOTH),
    Call("triangle_violation", "kl.triangle_violation", lambda rng: (), 3),
    Call("sample_gmm", "gmm.sample_gmm", lambda rng: (40, *_mixture(rng)), ((40, 2), (40,)), BOTH),
    Call("gmm_log_prob", "gmm.gmm_log_prob", lambda rng: (*_codes(rng), *_mixture(rng)), ((6,),), BOTH),
    Call("gaussian_entropy", "gmm.gaussian_entropy", lambda rng: [_mixture(rng)[2][0]], (SCALAR,), BOTH),
    Call(
        "mc_entropy",
        "gmm.mc_entropy",
        lambda rng: (*_codes(rng), *_mixture(rng)),
        (SCALAR,),
        BOTH,
        stand_ins=("gmm.gmm_log_prob",),
    ),
    _networks("autoencoder", ".encode", _images, (CODES,), model=_autoencoder, name="Encoder"),
    _networks("autoencoder", ".decode", _codes, (IMAGES,), model=_autoencoder, name="Decoder"),
    *(
        _networks(f"vae_{kind}", method, arguments, shapes, model=partial(_vae, architecture=kind), name=name)
        for kind, encoder, decoder in (("mlp", "MLPEncoder", "MLPDecoder"), ("conv", "ConvEncoder", "ConvDecoder"))
        for method, arguments, shapes, name in (
            (".encode", _images, (CODES, CODES), encoder),
            (".decode", _codes, (IMAGES,), decoder),
        )
    ),
    Call(
        "reparameterize",
        ".reparameterize",
        lambda rng: random_posterior(rng, 6, 2, dtype=np.float64),
        (CODES,),
        BOTH,
        lambda submission, rng: sampler(submission, 2),
    ),
    Call("negative_log_likelihood", "ELBO.negative_log_likelihood", lambda rng: _elbo(rng)[:2], (SCALAR,), BOTH),
    Call("kl_diag_normal", "ELBO.kl_diag_normal", lambda rng: _elbo(rng)[2:], (SCALAR,), BOTH),
    Call("elbo_loss", "ELBO.elbo_loss", _elbo, (SCALAR,), BOTH, stand_ins=COSTS),
    _on_probe(
        "train_autoencoder",
        "train.train_autoencoder",
        lambda rng: (*_images(rng), 3, 4),
        3,
        model=partial(_probe, kind="ae"),
        trains=True,
    ),
    _on_probe(
        "train_vae",
        "train.train_vae",
        lambda rng: (*_images(rng), 3, 4),
        3,
        trains=True,
        stand_ins=LOSS,
    ),
    _on_probe("plot_embeddings", "embeddings.plot_embeddings", _labelled, (CODES,)),
    _on_probe("decode_grid", "embeddings.decode_grid", lambda rng: (*_codes(rng), 3), ((3, 3, 1, 28, 28),)),
    _on_probe("plot_posterior_rows", "embeddings.plot_posterior_rows", _images, ((6, 3),), stand_ins=LOSS),
    _on_probe(
        "latent_traversal", "latent_traversal.latent_traversal", lambda rng: (-1.0, 1.0, 3), ((2, 3, 1, 28, 28),)
    ),
    _on_probe("sample_from_prior", "sample_from_prior.sample_from_prior", lambda rng: [6], (IMAGES,)),
    _on_probe("tsne_latents", "tsne.tsne_latents", _labelled, (CODES,), stand_ins=("tsne.TSNE",)),
    Call(
        "plot_learning_curve",
        "learning_curve.plot_learning_curve",
        lambda rng: (rng.normal(-800, 50, 70).tolist(), None),
        None,
    ),
    Call("log_normal_mixture", "utils.log_normal_mixture", _components, ((5,),), BOTH),
    Call(
        "negative_elbo",
        f".{gmvae.WHAT}",
        lambda rng: [gmvae.make_images(rng, 5)],
        (SCALAR, SCALAR, SCALAR),
        SINGLE,
        _gmvae,
        ("enc", "dec"),
        stand_ins=("utils.log_normal_mixture",),
    ),
)


class Unfit(Exception):
    """A function returned something other than it should."""


class Subject:
    """A call with its model and arguments on one submission, to be made as often as a manner needs.

    Raises:
        SubmissionError: the model cannot be made, or a trusted function cannot be put in place.
    """

    def __init__(self, call: Call, submission: Submission, rng: np.random.Generator) -> None:
        self.call, self.submission = call, submission
        for target in call.stand_ins:
            submission.stand_in(target)
        self.model = None if call.model is None else call.model(submission, rng)
        self.arguments = call.arguments(rng)

    def run(self, dtype: str = "float32", again: Sequence[np.ndarray] = ()) -> Reply:
        """Make the call.

        Args:
            dtype: of the arguments that are of any floating type.
            again: new contents of the arrays, for a second call with the same ones.

        Raises:
            SubmissionError: the function raised.
            Unfit: what it returned does not have the right form.
        """
        arguments = [
            value.astype(dtype) if _is_real(value) and "float64" in (dtype, value.dtype) else value
            for value in self.arguments
        ]
        target: Any = self.call.target
        if self.model is not None and target.startswith("."):
            target = (self.model, target[1:])
        elif self.model is not None:
            arguments = [self.model, *arguments]
        reply = self.submission.run(target, arguments, again=again)
        if not _fits(reply.value, self.call.shapes, arguments):
            raise Unfit
        return reply


def _fits(value: Any, shapes: "tuple[Shape, ...] | int | None", arguments: Sequence[Any]) -> bool:
    """Whether a result has the right form and is not a trivial answer: a constant, or one of the arguments."""
    if shapes is None:
        return isinstance(value, Figure)
    found = list(value) if isinstance(value, (tuple, list)) else [value]
    if isinstance(shapes, int):
        single = [item for item in found if isinstance(item, (int, float, np.ndarray)) and np.size(item) == 1]
        numbers = [np.ravel(item)[0] for item in single]
        return len(found) == len(numbers) == shapes and len(set(numbers)) > 1 and bool(np.isfinite(numbers).all())
    if not all(isinstance(item, np.ndarray) for item in found) or tuple(item.shape for item in found) != shapes:
        return False
    if not all(np.isfinite(item).all() for item in found):
        return False
    constant = all(not item.any() if item.size == 1 else item.min() == item.max() for item in found)
    given = any(isinstance(a, np.ndarray) and np.array_equal(a, item) for a in arguments for item in found)
    return not constant and not given


def _mode_lost(subject: Subject) -> str:
    """Do the model and each of its parts come back in their modes, or in train mode where the function trains?"""
    model, call = subject.model, subject.call
    assert model is not None
    for *parts, whole in MODES:
        model.train(whole)
        handles = [model.get(name) for name in call.parts]
        for handle, mode in zip(handles, parts, strict=True):
            handle.train(mode)
        subject.run()
        after = [handle.get("training") for handle in (*handles, model)]
        if call.trains and not all(after):
            return "does not leave the model in train mode"
        if not call.trains and after != [*parts, whole]:
            return "does not give the model back in the mode in which it came"
    return ""


def _dtype_changed(subject: Subject) -> str:
    """Do the tensors that come back have the dtype of those that went in? Indices need not."""
    for dtype in subject.call.dtypes:
        if dtype == "float64" and subject.model is not None:
            subject.model.call("double")
        value = subject.run(dtype).value
        for item in value if isinstance(value, (tuple, list)) else [value]:
            if item.dtype.kind == "f" and item.dtype != dtype:
                return f"returns {quoted(item.dtype)} where its arguments are {dtype}"
    return ""


def _inputs_changed(subject: Subject) -> str:
    """Are the tensors that were given as they were, and the parameters of a model that is not trained?"""
    looked_at = subject.model if subject.call.parts and not subject.call.trains else None
    before = looked_at.state() if looked_at is not None else {}
    if not subject.run().inputs_unchanged:
        return "changes the tensors that it is given, or a list (as x -= m, x.sub_(m), x[...] = 0 and x.sort() do)"
    after = looked_at.state() if looked_at is not None else {}
    if any(not np.array_equal(before[name], after[name]) for name in before):
        return "changes the parameters of the model that it is given"
    return _remembered(subject)


def _remembered(subject: Subject) -> str:
    """Does a second call with the same tensors, which have other contents by then, give the answer to the first?"""
    first, model = subject.arguments, subject.model
    if subject.call.trains or not any(_is_real(value) for value in first):
        return ""
    if model is not None:
        model.train(False)
    value = subject.run().value
    subject.arguments = [value[::-1].copy() if _is_real(value) and value.ndim else value for value in first]
    try:
        other = subject.run().value
        subject.arguments, others = first, subject.arguments
        contents = [value.astype("float32") if _is_real(value) else value for value in others]
        again = subject.run(again=[value for value in contents if isinstance(value, np.ndarray)]).again
    except (SubmissionError, Unfit):  # of the other arguments, which were not meant for it
        return ""
    finally:
        subject.arguments = first
    stale = _equal(again, value) and not _equal(other, value)
    return "gives the answer of an earlier call where the same tensors have other contents" if stale else ""


def _is_real(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _equal(first: Any, second: Any) -> bool:
    """Whether two results, tensors or tuples of them, are the same."""
    if isinstance(first, (tuple, list)) and isinstance(second, (tuple, list)):
        return len(first) == len(second) and all(_equal(a, b) for a, b in zip(first, second, strict=True))
    return bool(np.array_equal(np.asarray(first), np.asarray(second)))


def _generator_seeded(subject: Subject) -> str:
    """Does what each generator does afterwards depend on how it was seeded before?"""
    call = subject.call
    givens = [subject.arguments]
    if call.task == "sample_gmm":  # with a generator, too
        givens.append([*subject.arguments, subject.submission.generator(1)])
    for subject.arguments in givens:
        states = []
        for seed in (1, 2):
            subject.submission.seed(seed)
            if call.model is not None and call.target.startswith("."):
                subject.model = call.model(subject.submission, np.random.default_rng(0))  # its constructor counts, too
            subject.run()
            states.append(subject.submission.rng_fingerprints())
        seeded = [name for name, state in states[0].items() if state == states[1][name]]
        if seeded:
            return f"seeds the random generator of {' and '.join(seeded)}"
    return ""


# Which functions should have a manner; what is wrong with one, "" if nothing is; and what to do.
MANNERS: dict[str, tuple[Callable[[Call], bool], Callable[[Subject], str], str]] = {
    "mode": (
        lambda call: bool(call.parts),
        _mode_lost,
        "The provided `evaluating` remembers the mode of every part of a model. Training ends in train mode.",
    ),
    "dtype": (
        lambda call: bool(call.dtypes),
        _dtype_changed,
        "Create tensors with the dtype of the inputs (torch.zeros_like, dtype=x.dtype) and do not convert.",
    ),
    "inputs": (
        lambda call: call.model is not None or bool(call.dtypes) or call.shapes is None,
        _inputs_changed,
        "No function changes in place what belongs to its caller (in-place operations do), or keeps anything between "
        "calls.",
    ),
    "generators": (
        lambda call: True,
        _generator_seeded,
        "After torch.manual_seed and its like every random draw is the same. Leave seeds to main.py.",
    ),
}


def judge(manner: str, asked: Collection[str], submission: Submission, rng: np.random.Generator) -> None:
    """Fail unless every asked function that works has a manner, and at least half of those that should have it work.

    Args:
        manner: one of MANNERS.
        asked: names of the tasks that the course asks for.
        submission: for this check alone, for stand-ins are put in place.
    """
    applies, fault, hint = MANNERS[manner]
    calls = [call for call in CALLS if call.task in asked and applies(call)]
    faults: list[str] = []
    errors: list[BaseException] = []
    # Stand-ins stay: what they replace comes first.
    for call in sorted(calls, key=lambda call: bool(call.stand_ins)):
        submission.forget()  # the models of the call before: together they would take 50 MiB
        try:
            found = fault(Subject(call, submission, rng))
        except (SubmissionError, Lost, Unfit) as error:
            errors.append(error)
            continue
        if found:
            faults.append(f"{call.what} {found}.")
    submission.calls.clear()  # what was called last says nothing
    if faults:
        fail("\n".join([*faults, hint]))
    working = len(calls) - len(errors)
    if errors and not working and isinstance(errors[0], NotImplementedYet):
        raise errors[0]
    if 2 * working < len(calls):
        fail("Fewer than half of the functions work so far. This row counts when at least half of them do.")
