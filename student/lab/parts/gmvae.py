"""Part of the main job: the mixture-of-Gaussians VAE (provided). `run_gmvae.py` does the same by itself."""

from dataclasses import asdict

from matplotlib.figure import Figure as Canvas

from lab.course import course
from lab.run.part import Figure, Result, Table, Workplace
from plotting import save_figure


def gmvae(work: Workplace) -> Result:
    """Train the GMVAE, measure it on the test subset and on all test images, draw 200 samples, keep its weights."""
    import run_gmvae

    iterations, seed = work.settings["iterations"], work.settings["seed"]
    mnist = work.mnist()

    def show(iteration: int, nelbo: float) -> None:
        work.report(iteration + 1, iterations, f"negative ELBO {nelbo:.1f}")

    model, history = run_gmvae.train_gmvae(mnist.train_images, iterations, seed, work.settings["device"], show)
    run_gmvae.save_weights(model, work.folder / "gmvae.safetensors", iterations)
    run_gmvae.save_samples(model, work.folder / "gmvae_samples.png", seed)
    subset = run_gmvae.evaluate(model, mnist.test_images[: run_gmvae.SUBSET])
    full = run_gmvae.evaluate(model, mnist.test_images)

    window = max(1, iterations // 200)
    smooth = [sum(history[i : i + window]) / window for i in range(0, iterations - window + 1, window)]
    canvas = Canvas(figsize=(7, 4), layout="constrained")
    ax = canvas.subplots()
    ax.plot(
        [window * (i + 1) for i in range(len(smooth))],
        smooth,
        color="#3f90da",
        label=f"training, mean of {window} steps",
    )
    ax.axhline(full.negative_elbo, color="#bd1f01", linestyle="--", label=f"all test images: {full.negative_elbo:.2f}")
    late = smooth[len(smooth) // 20 :]
    ax.set(xlabel="iteration", ylabel="negative ELBO (nats per image)", title="GMVAE while training")
    ax.set_ylim(min(*late, full.negative_elbo) - 3, max(late) + 5)
    ax.legend()
    ax.grid(alpha=0.3)
    save_figure(canvas, work.folder / "gmvae_curve.png")
    things, caption = course().dataset["things"], ""
    caption = "After the full 20,000 iterations the negative ELBO should be around 97.5."
    return Result(
        metrics={
            "gmvae": {
                "seed": seed,
                "iterations": iterations,
                "evaluation_seed": run_gmvae.EVALUATION_SEED,
                "test_subset": asdict(subset),
                "full_test": asdict(full),
            }
        },
        figures=[
            Figure(
                "gmvae_samples.png",
                f"200 {things} sampled from the GMVAE",
                "Binary pixels drawn from p(x): a component of the mixture, a latent, then every pixel. How many "
                f"are {things}? Why are the edges speckled?",
                wide=True,
            ),
            Figure(
                "gmvae_curve.png",
                "Learning curve of the GMVAE",
                "Training (fresh binarisation each step) and the final value on the test images. Is there a gap?",
            ),
        ],
        tables=[
            Table(
                f"GMVAE after {iterations:,} iterations, seed {seed}, nats per image",
                ["images", "negative ELBO", "KL", "reconstruction"],
                [
                    [f"{name} ({e.images:,})", e.negative_elbo, e.kl, e.reconstruction]
                    for name, e in (("first test images", subset), ("all test images", full))
                ],
                caption,
            )
        ],
    )
