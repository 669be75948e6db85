"""REINFORCE (Williams, 1992): a policy learns to balance a pole on a cart by trying.

The cart is pushed left or right. After each episode the logarithm of the probability of every
action is weighted by the reward that came after it.
"""

import argparse
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical


class CartPole:
    """A pole on a cart, after Barto, Sutton and Anderson (1983), in steps of 0.02 s.

    The state is position, speed, angle and angular speed. It falls at 12° or 2.4 m.
    """

    gravity, cart, pole, half_length, force, tau = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02

    def __init__(self, seed):
        self.random = random.Random(seed)

    def reset(self):
        self.state = [self.random.uniform(-0.05, 0.05) for _ in range(4)]
        return list(self.state)

    def step(self, action):
        x, v, angle, spin = self.state
        push = self.force if action == 1 else -self.force
        sin, cos = math.sin(angle), math.cos(angle)
        total = self.cart + self.pole
        moved = (push + self.pole * self.half_length * spin * spin * sin) / total
        turn = (self.gravity * sin - cos * moved) / (
            self.half_length * (4.0 / 3.0 - self.pole * cos * cos / total))
        slide = moved - self.pole * self.half_length * turn * cos / total
        self.state = [x + self.tau * v, v + self.tau * slide, angle + self.tau * spin,
                      spin + self.tau * turn]
        fallen = abs(self.state[0]) > 2.4 or abs(self.state[2]) > math.radians(12)
        return list(self.state), 1.0, fallen


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 64)
        self.dropout = nn.Dropout(p=0.6)
        self.affine2 = nn.Linear(64, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.dropout(self.affine1(x)))
        return F.softmax(self.affine2(x), dim=1)


def select_action(policy, state):
    probs = policy(torch.tensor(state, dtype=torch.float32).unsqueeze(0))
    m = Categorical(probs)
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode(policy, optimizer, gamma):
    R = 0.0
    returns = []
    for r in policy.rewards[::-1]:
        R = r + gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + torch.finfo(torch.float32).eps)
    loss = torch.cat([-p * R for p, R in zip(policy.saved_log_probs, returns)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    policy.rewards.clear()
    policy.saved_log_probs.clear()
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gamma", type=float, default=0.99)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--seed", type=int, default=543)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--solved", type=float, default=195.0)
    parser.add_argument("--log-interval", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="twelve episodes")
    args = parser.parse_args()
    if args.quick:
        args.episodes, args.log_interval = 12, 1

    env = CartPole(args.seed)
    torch.manual_seed(args.seed)
    policy = Policy()
    optimizer = optim.Adam(policy.parameters(), lr=args.lr)
    running = 10.0
    for episode in range(1, args.episodes + 1):
        state = env.reset()
        total = 0.0
        for _ in range(500):
            state, reward, done = env.step(select_action(policy, state))
            policy.rewards.append(reward)
            total += reward
            if done:
                break
        running = 0.05 * total + 0.95 * running
        loss = finish_episode(policy, optimizer, args.gamma)
        if episode % args.log_interval == 0:
            print(f"episode {episode} reward: {total:.1f} average: {running:.2f} loss: {loss:.4f}")
        if running > args.solved:
            print(f"solved after {episode} episodes: the average is {running:.1f}")
            break


if __name__ == "__main__":
    main()
