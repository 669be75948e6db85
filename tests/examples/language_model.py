"""A word-level language model: RNN, LSTM, GRU or Transformer guess the next word.

The corpus is a text file of one sentence a line; without one, sentences are made up from a small
grammar. At the end the model writes some words of its own.
"""

import argparse
import math
import random
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

GRAMMAR = {
    "sentence": ["thing does", "thing does , and thing does", "when thing does , thing does"],
    "thing": ["the noun", "the adjective noun", "a noun", "every noun of the noun"],
    "does": ["verb", "verb thing", "verb slowly", "verb thing in the noun"],
    "noun": ["gradient", "river", "teacher", "layer", "window", "number", "bird", "matrix"],
    "adjective": ["small", "green", "deep", "quiet", "random", "old"],
    "verb": ["follows", "finds", "carries", "changes", "sees", "learns"],
}


def made_up(n, seed):
    """n sentences of the grammar."""
    rng = random.Random(seed)

    def expand(word):
        if word not in GRAMMAR:
            return word
        return " ".join(expand(w) for w in rng.choice(GRAMMAR[word]).split())

    return [expand("sentence") for _ in range(n)]


class Corpus:
    """Words as numbers: train, valid and test are long tensors."""

    def __init__(self, sentences):
        self.idx2word = []
        self.word2idx = {}
        a, b = int(0.8 * len(sentences)), int(0.9 * len(sentences))
        self.train = self.tokenize(sentences[:a])
        self.valid = self.tokenize(sentences[a:b])
        self.test = self.tokenize(sentences[b:])

    def tokenize(self, sentences):
        ids = []
        for sentence in sentences:
            for word in sentence.split() + ["<eos>"]:
                if word not in self.word2idx:
                    self.word2idx[word] = len(self.idx2word)
                    self.idx2word.append(word)
                ids.append(self.word2idx[word])
        return torch.tensor(ids, dtype=torch.int64)


class RNNModel(nn.Module):
    def __init__(self, kind, ntoken, width, nlayers, dropout, tied):
        super().__init__()
        self.kind, self.nlayers, self.width = kind, nlayers, width
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, width)
        if kind in ("LSTM", "GRU"):
            self.rnn = getattr(nn, kind)(width, width, nlayers, dropout=dropout)
        else:
            self.rnn = nn.RNN(width, width, nlayers, nonlinearity="tanh", dropout=dropout)
        self.decoder = nn.Linear(width, ntoken)
        if tied:
            self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, words, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(words)), hidden)
        decoded = self.decoder(self.drop(output))
        return F.log_softmax(decoded.view(-1, decoded.size(-1)), dim=1), hidden

    def init_hidden(self, batch):
        weight = next(self.parameters())
        zeros = weight.new_zeros(self.nlayers, batch, self.width)
        return (zeros, zeros.clone()) if self.kind == "LSTM" else zeros


class PositionalEncoding(nn.Module):
    """Sines and cosines of growing period, added to the words (Vaswani et al., 2017)."""

    def __init__(self, width, dropout, length=500):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        place = torch.arange(0, length, dtype=torch.float).unsqueeze(1)
        speed = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
        pe = torch.zeros(length, width)
        pe[:, 0::2] = torch.sin(place * speed)
        pe[:, 1::2] = torch.cos(place * speed)
        self.register_buffer("pe", pe.unsqueeze(1))

    def forward(self, x):
        return self.dropout(x + self.pe[:x.size(0)])


class TransformerModel(nn.Module):
    def __init__(self, ntoken, width, nlayers, dropout, heads=2):
        super().__init__()
        self.width = width
        self.encoder = nn.Embedding(ntoken, width)
        self.places = PositionalEncoding(width, dropout)
        layer = nn.TransformerEncoderLayer(width, heads, width, dropout)
        self.blocks = nn.TransformerEncoder(layer, nlayers, enable_nested_tensor=False)
        self.decoder = nn.Linear(width, ntoken)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)

    def forward(self, words, hidden=None):
        x = self.places(self.encoder(words) * math.sqrt(self.width))
        mask = nn.Transformer.generate_square_subsequent_mask(len(words))
        decoded = self.decoder(self.blocks(x, mask=mask, is_causal=True))
        return F.log_softmax(decoded, dim=-1).view(-1, decoded.size(-1)), None

    def init_hidden(self, batch):
        return None


def batchify(data, batch):
    """The text in `batch` columns."""
    n = data.size(0) // batch
    return data.narrow(0, 0, n * batch).view(batch, -1).t().contiguous()


def get_batch(source, i, bptt):
    n = min(bptt, len(source) - 1 - i)
    return source[i:i + n], source[i + 1:i + 1 + n].view(-1)


def repackage(hidden):
    """The hidden state without its history."""
    if hidden is None:
        return None
    return hidden.detach() if isinstance(hidden, torch.Tensor) else tuple(map(repackage, hidden))


def evaluate(model, source, args):
    model.eval()
    total = 0.0
    hidden = model.init_hidden(source.size(1))
    with torch.no_grad():
        for i in range(0, source.size(0) - 1, args.bptt):
            words, targets = get_batch(source, i, args.bptt)
            output, hidden = model(words, hidden)
            total += len(words) * F.nll_loss(output, targets).item()
    return total / (len(source) - 1)


def train(model, source, args, lr, epoch):
    model.train()
    total, hidden = 0.0, model.init_hidden(args.batch_size)
    for n, i in enumerate(range(0, source.size(0) - 1, args.bptt)):
        words, targets = get_batch(source, i, args.bptt)
        model.zero_grad()
        output, hidden = model(words, repackage(hidden))
        loss = F.nll_loss(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(p.grad, alpha=-lr)
        total += loss.item()
        if n % args.log_interval == args.log_interval - 1:
            mean = total / args.log_interval
            print(f"| epoch {epoch} | batch {n + 1} | lr {lr:.2f} | loss {mean:.4f} "
                  f"| ppl {math.exp(mean):.2f}")
            total = 0.0


def generate(model, corpus, args):
    """Some words of the model's own."""
    model.eval()
    words = torch.randint(len(corpus.idx2word), (1, 1), dtype=torch.long)
    hidden = model.init_hidden(1)
    said = []
    with torch.no_grad():
        for _ in range(args.words):
            output, hidden = model(words, hidden)
            nxt = torch.multinomial(output[-1].exp(), 1).view(1, 1)
            said.append(corpus.idx2word[nxt.item()])
            words = torch.cat([words, nxt]) if args.model == "Transformer" else nxt
    return " ".join(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="LSTM", choices=("RNN_TANH", "LSTM", "GRU",
                                                            "Transformer"))
    parser.add_argument("--data", help="a text file, one sentence a line")
    parser.add_argument("--sentences", type=int, default=4000, help="how many are made up")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--nlayers", type=int, default=2)
    parser.add_argument("--lr", type=float, default=5.0)
    parser.add_argument("--clip", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--bptt", type=int, default=20)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--tied", action="store_true", help="one matrix to read and to write words")
    parser.add_argument("--seed", type=int, default=1111)
    parser.add_argument("--log-interval", type=int, default=20)
    parser.add_argument("--words", type=int, default=20)
    parser.add_argument("--save", default="language_model.pt")
    parser.add_argument("--quick", action="store_true", help="one epoch of few sentences")
    args = parser.parse_args()
    if args.quick:
        args.sentences, args.width, args.epochs, args.log_interval = 300, 16, 1, 2

    torch.manual_seed(args.seed)
    if args.data:
        with open(args.data, encoding="utf-8") as file:
            sentences = [line.strip() for line in file if line.strip()]
    else:
        sentences = made_up(args.sentences, args.seed)
    corpus = Corpus(sentences)
    print(f"{len(corpus.idx2word)} different words, {len(corpus.train)} to learn from")
    train_data = batchify(corpus.train, args.batch_size)
    val_data, test_data = batchify(corpus.valid, 10), batchify(corpus.test, 10)
    ntokens = len(corpus.idx2word)
    if args.model == "Transformer":
        model = TransformerModel(ntokens, args.width, args.nlayers, args.dropout)
    else:
        model = RNNModel(args.model, ntokens, args.width, args.nlayers, args.dropout, args.tied)

    lr, best, began = args.lr, None, time.time()
    for epoch in range(1, args.epochs + 1):
        train(model, train_data, args, lr, epoch)
        loss = evaluate(model, val_data, args)
        print(f"| end of epoch {epoch} | valid loss {loss:.4f} | valid ppl {math.exp(loss):.2f}")
        if best is None or loss < best:
            torch.save(model.state_dict(), args.save)
            best = loss
        else:
            lr /= 4.0
    model.load_state_dict(torch.load(args.save, weights_only=True))
    loss = evaluate(model, test_data, args)
    print(f"| end of training | test loss {loss:.4f} | test ppl {math.exp(loss):.2f}")
    print(generate(model, corpus, args))
    if not args.quick:
        print(f"{time.time() - began:.0f} seconds")


if __name__ == "__main__":
    main()
