from math import log, pi
negative_log_likelihood = lambda x, recon_x: ((x-recon_x)**2 + log(2*pi)).sum()/2/len(x)
kl_diag_normal = lambda mu, logvar: (mu**2 + logvar.exp() - logvar - 1).sum()/2/len(mu)
elbo_loss = lambda x, recon_x, mu, logvar: negative_log_likelihood(x, recon_x) + kl_diag_normal(mu, logvar)
