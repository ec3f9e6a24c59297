import matplotlib.pyplot as plt


def plot_learning_curve(elbo_per_iteration, outpath="ELBO_Curve.png"):
    f, a = plt.subplots(); y = elbo_per_iteration; a.plot(range(1, len(y)+1), y); a.set(xlabel="iteration", ylabel="ELBO", ylim=(sorted(y)[len(y)//10]-5, max(y)+5))
    if outpath: f.savefig(outpath)
    plt.close(f); return f
