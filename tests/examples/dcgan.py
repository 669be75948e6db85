"""Two networks against each other: one draws pictures, the other tells them from real ones.

The networks are convolutional, as in Radford, Metz and Chintala, "Unsupervised Representation
Learning with Deep Convolutional Generative Adversarial Networks" (2015), for pictures of 32×32.
"""

import argparse
import os

import torch
import torch.nn as nn
import torch.optim as optim
import torchvision.datasets as dset
import torchvision.transforms as transforms
import torchvision.utils as vutils


def weights_init(m):
    """Normal weights of a small spread, as the paper has them."""
    name = m.__class__.__name__
    if name.find("Conv") != -1:
        nn.init.normal_(m.weight, 0.0, 0.02)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(m.weight, 1.0, 0.02)
        nn.init.zeros_(m.bias)


class Generator(nn.Module):
    def __init__(self, nz, ngf, nc):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0, bias=False), nn.BatchNorm2d(ngf * 4),
            nn.ReLU(True),                                                          # 4 × 4
            nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),                                                          # 8 × 8
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf),
            nn.ReLU(True),                                                          # 16 × 16
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False), nn.Tanh())            # 32 × 32

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self, ndf, nc):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, ndf * 4, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 4),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 4, 1, 4, 1, 0, bias=False), nn.Sigmoid())

    def forward(self, x):
        return self.main(x).view(-1, 1).squeeze(1)


def dataset_of(args):
    if args.dataset == "fake":
        return dset.FakeData(512, (3, 32, 32), transform=transforms.Compose([
            transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])), 3
    return dset.MNIST(args.data, transform=transforms.Compose([
        transforms.Resize(32), transforms.ToTensor(),
        transforms.Normalize((0.5,), (0.5,))])), 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=("mnist", "fake"), default="mnist")
    parser.add_argument("--data", default="data", help="folder with MNIST")
    parser.add_argument("--outf", default="gan", help="folder for pictures and checkpoints")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--nz", type=int, default=50, help="length of the noise")
    parser.add_argument("--ngf", type=int, default=32)
    parser.add_argument("--ndf", type=int, default=32)
    parser.add_argument("--niter", type=int, default=5)
    parser.add_argument("--lr", type=float, default=0.0002)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="three small steps")
    opt = parser.parse_args()
    if opt.quick:
        opt.batch_size, opt.ngf, opt.ndf, opt.niter = 16, 8, 8, 1

    os.makedirs(opt.outf, exist_ok=True)
    torch.manual_seed(opt.seed)
    dataset, nc = dataset_of(opt)
    loader = torch.utils.data.DataLoader(dataset, batch_size=opt.batch_size, shuffle=True)
    netG = Generator(opt.nz, opt.ngf, nc)
    netG.apply(weights_init)
    netD = Discriminator(opt.ndf, nc)
    netD.apply(weights_init)
    criterion = nn.BCELoss()
    fixed = torch.randn(16, opt.nz, 1, 1)
    optimizerD = optim.Adam(netD.parameters(), lr=opt.lr, betas=(0.5, 0.999))
    optimizerG = optim.Adam(netG.parameters(), lr=opt.lr, betas=(0.5, 0.999))

    for epoch in range(opt.niter):
        for i, (real, _) in enumerate(loader):
            n = real.size(0)
            # the discriminator, on real and on drawn pictures
            netD.zero_grad()
            label = torch.full((n,), 1.0)
            output = netD(real)
            lossD_real = criterion(output, label)
            lossD_real.backward()
            drawn = netG(torch.randn(n, opt.nz, 1, 1))
            label.fill_(0.0)
            lossD_fake = criterion(netD(drawn.detach()), label)
            lossD_fake.backward()
            optimizerD.step()
            # the generator, whose pictures are to be taken for real
            netG.zero_grad()
            label.fill_(1.0)
            lossG = criterion(netD(drawn), label)
            lossG.backward()
            optimizerG.step()
            print(f"[{epoch}/{opt.niter}][{i}] "
                  f"Loss_D: {(lossD_real + lossD_fake).item():.4f} Loss_G: {lossG.item():.4f} "
                  f"D(x): {output.mean().item():.4f}")
            if opt.quick and i == 2:
                break
        with torch.no_grad():
            vutils.save_image(netG(fixed), f"{opt.outf}/drawn_{epoch:03d}.png", normalize=True)
        torch.save(netG.state_dict(), f"{opt.outf}/netG_{epoch}.pth")
        torch.save(netD.state_dict(), f"{opt.outf}/netD_{epoch}.pth")


if __name__ == "__main__":
    main()
