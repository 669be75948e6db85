"""A variational autoencoder of digits (Kingma and Welling, 2013).

The encoder gives mean and log-variance of a code, the decoder draws the digit from a sample of it.
The loss is how badly the pixels are guessed, plus how far the codes are from a normal distribution.
"""

import argparse
import os

import torch
import torch.utils.data
from torch import nn, optim
from torch.nn import functional as F
from torchvision import datasets, transforms
from torchvision.utils import save_image


class VAE(nn.Module):
    def __init__(self, hidden=200, code=20):
        super().__init__()
        self.encoder = nn.Linear(784, hidden)
        self.mean = nn.Linear(hidden, code)
        self.logvar = nn.Linear(hidden, code)
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, 784),
                                     nn.Sigmoid())

    def encode(self, x):
        h = F.relu(self.encoder(x))
        return self.mean(h), self.logvar(h)

    def reparameterize(self, mean, logvar):
        std = torch.exp(0.5 * logvar)
        return mean + torch.randn_like(std) * std

    def forward(self, x):
        mean, logvar = self.encode(x.view(-1, 784))
        return self.decoder(self.reparameterize(mean, logvar)), mean, logvar


def loss_function(guess, x, mean, logvar):
    pixels = F.binary_cross_entropy(guess, x.view(-1, 784), reduction="sum")
    divergence = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
    return pixels + divergence


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="data", help="folder with MNIST")
    parser.add_argument("--results", default="results", help="folder for the pictures")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="eight steps, to see that all works")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    os.makedirs(args.results, exist_ok=True)
    kwargs = {"batch_size": args.batch_size, "shuffle": True}
    train_loader = torch.utils.data.DataLoader(
        datasets.MNIST(args.data, train=True, transform=transforms.ToTensor()), **kwargs)
    test_loader = torch.utils.data.DataLoader(
        datasets.MNIST(args.data, train=False, transform=transforms.ToTensor()), **kwargs)
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    for epoch in range(1, (1 if args.quick else args.epochs) + 1):
        model.train()
        total = 0.0
        for step, (data, _) in enumerate(train_loader):
            optimizer.zero_grad()
            guess, mean, logvar = model(data)
            loss = loss_function(guess, data, mean, logvar)
            loss.backward()
            total += loss.item()
            optimizer.step()
            if step % (1 if args.quick else args.log_interval) == 0:
                print(f"epoch {epoch} step {step} loss: {loss.item() / len(data):.3f}")
            if args.quick and step == 7:
                break
        print(f"epoch {epoch} average loss: {total / len(train_loader.dataset):.3f}")

        model.eval()
        total = 0.0
        with torch.no_grad():
            for i, (data, _) in enumerate(test_loader):
                guess, mean, logvar = model(data)
                total += loss_function(guess, data, mean, logvar).item()
                if i == 0:
                    n = min(data.size(0), 8)
                    both = torch.cat([data[:n], guess.view(-1, 1, 28, 28)[:n]])
                    save_image(both, os.path.join(args.results, f"guessed_{epoch}.png"), nrow=n)
            drawn = model.decoder(torch.randn(64, 20)).view(64, 1, 28, 28)
            save_image(drawn, os.path.join(args.results, f"drawn_{epoch}.png"))
        print(f"test loss: {total / len(test_loader.dataset):.3f}")


if __name__ == "__main__":
    main()
