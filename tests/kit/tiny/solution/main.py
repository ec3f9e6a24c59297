"""Fits the line and saves it (provided): `python main.py`."""

import torch
from line import mean_squared_error, predict
from points import noisy_points
from safetensors.torch import save_file

if __name__ == "__main__":
    x, y = noisy_points()
    line = {"slope": torch.zeros(1, requires_grad=True), "intercept": torch.zeros(1, requires_grad=True)}
    adam = torch.optim.Adam(line.values(), lr=0.1)
    for _ in range(300):
        adam.zero_grad()
        mean_squared_error(predict(x, **line), y).backward()
        adam.step()
    save_file({name: value.detach() for name, value in line.items()}, "line.safetensors")
    print({name: round(value.item(), 2) for name, value in line.items()})
