from torch import randperm
from torch.optim import Adam
from ELBO import elbo_loss


def minibatches(images, batch_size):
    while 1:
        for i in randperm(len(images)).split(batch_size): yield images[i]


def fit(model, images, n, bs, lr, f, loss, sign):
    o, it, out = Adam(model.parameters(), lr), minibatches(images, bs), []; model.train()
    for i in range(n):
        x = next(it); l = loss(x, model(x)); o.zero_grad(); l.backward(); o.step(); out += [sign*l.item()]
        if f: f(i, out[-1])
    return out


def train_autoencoder(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
    return fit(model, images, iterations, batch_size, lr, on_step, lambda x, y: ((x-y)**2).mean(), 1)


def train_vae(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
    return fit(model, images, iterations, batch_size, lr, on_step, lambda x, y: elbo_loss(x, *y), -1)
