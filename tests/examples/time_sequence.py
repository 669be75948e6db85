"""Two LSTM cells learn to go on with sine waves.

The waves begin at random places. The network reads each value and guesses the next one; L-BFGS
fits all waves at once, in double precision. Then it is given its own guesses.
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim


class Sequence(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.lstm1 = nn.LSTMCell(1, width)
        self.lstm2 = nn.LSTMCell(width, width)
        self.linear = nn.Linear(width, 1)

    def forward(self, waves, future=0):
        outputs = []
        h1, c1, h2, c2 = (torch.zeros(waves.size(0), self.width, dtype=torch.double)
                          for _ in range(4))
        for value in waves.split(1, dim=1):
            h1, c1 = self.lstm1(value, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            output = self.linear(h2)
            outputs += [output]
        for _ in range(future):
            h1, c1 = self.lstm1(output, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            output = self.linear(h2)
            outputs += [output]
        return torch.cat(outputs, dim=1)


def waves(n, length, seed):
    """n sine waves of period 20·2π steps at random places, as NumPy array (n, length)."""
    rng = np.random.RandomState(seed)
    return np.sin((np.arange(length) + rng.randint(-80, 80, (n, 1))) / 20.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--width", type=int, default=51)
    parser.add_argument("--length", type=int, default=500)
    parser.add_argument("--waves", type=int, default=60)
    parser.add_argument("--future", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="short waves, a narrow network")
    opt = parser.parse_args()
    if opt.quick:
        opt.steps, opt.width, opt.length, opt.waves, opt.future = 3, 8, 30, 6, 5

    np.random.seed(0)
    torch.manual_seed(0)
    data = waves(opt.waves, opt.length, seed=2)
    source, target = torch.from_numpy(data[3:, :-1]), torch.from_numpy(data[3:, 1:])
    test_source, test_target = torch.from_numpy(data[:3, :-1]), torch.from_numpy(data[:3, 1:])
    model = Sequence(opt.width).double()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(model.parameters(), lr=0.8, max_iter=5 if opt.quick else 20)

    for step in range(opt.steps):
        def closure():
            optimizer.zero_grad()
            loss = criterion(model(source), target)
            print("loss:", f"{loss.item():.6f}")
            loss.backward()
            return loss

        print("STEP:", step)
        optimizer.step(closure)
        with torch.no_grad():
            guess = model(test_source, future=opt.future)
            loss = criterion(guess[:, :-opt.future], test_target)
            print("test loss:", f"{loss.item():.6f}", "then:",
                  " ".join(f"{x:.4f}" for x in guess[0, -opt.future:][:5].tolist()))


if __name__ == "__main__":
    main()
