"""Outputs of PyTorch's own layers, for tests/models: python3 -P networks.py > tests/data/networks_oracle.json
Weights and inputs are a formula of their index, so that only outputs are stored. Needs torch."""
import json
import math

import torch
from torch import nn

torch.set_num_threads(1)


def wave(shape, key, scale):
    count = math.prod(shape)
    mixed = [43758.5453 * math.sin(12.9898 * (i + 1) + 78.233 * (key + 1)) for i in range(count)]
    return torch.tensor([scale * 2 * (u - math.floor(u) - 0.5) for u in mixed], dtype=torch.float32).view(shape)


def fill(module, scale=0.3, first=0):
    """Parameters in order of registration; running moments of batch normalisation stay at 0 and 1."""
    with torch.no_grad():
        for key, parameter in enumerate(module.parameters()):
            parameter.copy_(wave(tuple(parameter.shape), first + key, scale))
    return module.eval()


class DeepLob(nn.Module):
    """The published architecture: 143,907 numbers with three classes."""

    def __init__(self):
        super().__init__()

        def stage(i, o, kernel, stride=(1, 1), padding=(0, 0), bend=None):
            return nn.Sequential(nn.Conv2d(i, o, kernel, stride, padding), bend or nn.LeakyReLU(0.01), nn.BatchNorm2d(o))

        self.trunk = nn.Sequential(
            stage(1, 32, (1, 2), (1, 2)), stage(32, 32, (4, 1)), stage(32, 32, (4, 1)),
            stage(32, 32, (1, 2), (1, 2), bend=nn.Tanh()), stage(32, 32, (4, 1), bend=nn.Tanh()), stage(32, 32, (4, 1), bend=nn.Tanh()),
            stage(32, 32, (1, 10)), stage(32, 32, (4, 1)), stage(32, 32, (4, 1)))
        self.three = nn.Sequential(stage(32, 64, (1, 1)), stage(64, 64, (3, 1), padding=(1, 0)))
        self.five = nn.Sequential(stage(32, 64, (1, 1)), stage(64, 64, (5, 1), padding=(2, 0)))
        self.pool = nn.Sequential(nn.MaxPool2d((3, 1), (1, 1), (1, 0)), stage(32, 64, (1, 1)))
        self.lstm = nn.LSTM(192, 64, batch_first=True)
        self.head = nn.Linear(64, 3)

    def forward(self, x):  # (B, 1, T, 40)
        x = self.trunk(x)
        x = torch.cat([self.three(x), self.five(x), self.pool(x)], 1).squeeze(3).transpose(1, 2)
        return self.head(self.lstm(x)[0][:, -1])


def main():
    cases = {}

    def case(name, output, **more):
        cases[name] = {"shape": list(output.shape), "values": [float(v) for v in output.detach().flatten()], **more}

    with torch.no_grad():
        x = wave((2, 7, 6), 40, 1.0)
        for name, both in (("lstm", False), ("bilstm", True)):
            case(name, fill(nn.LSTM(6, 5, batch_first=True, bidirectional=both))(x)[0])
        case("linear", fill(nn.Linear(6, 4))(x))
        case("layer_norm", fill(nn.LayerNorm(6))(x))
        causal = torch.full((7, 7), float("-inf")).triu(1)
        attention = fill(nn.MultiheadAttention(6, 3, batch_first=True))
        case("attention", attention(x, x, x, need_weights=False)[0])
        out, weights = attention(x, x, x, attn_mask=causal, average_attn_weights=False)
        case("causal_attention", out)
        case("attention_weights", weights)
        memory = wave((2, 9, 6), 41, 1.0)
        case("cross_attention", attention(x, memory, memory, need_weights=False)[0])
        image = wave((2, 6, 11), 42, 1.0)
        convolution = fill(nn.Conv1d(6, 4, 3, dilation=2))
        case("causal_convolution", convolution(nn.functional.pad(image, (4, 0))))
        norm = fill(nn.BatchNorm1d(6))
        norm.running_mean.copy_(wave((6,), 43, 0.5))
        norm.running_var.copy_(wave((6,), 44, 0.5) + 1)
        case("batch_norm", norm(image))
        norm.train()
        case("batch_norm_training", norm(image))
        case("batch_norm_moments", torch.cat([norm.running_mean, norm.running_var]))
        plane = wave((2, 3, 5, 8), 45, 1.0)
        case("plane_convolution", fill(nn.Conv2d(3, 4, (3, 2), stride=(1, 2), padding=(1, 0)))(plane))
        layer = nn.TransformerEncoderLayer(6, 3, 10, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        # Our order: two norms, attention (packed, outlet), two linear maps.
        ordered = [layer.norm1, layer.norm2, layer.self_attn, layer.linear1, layer.linear2]
        key = 0
        for part in ordered:
            fill(part, first=key)
            key += len(list(part.parameters()))
        layer.eval()
        torch.backends.mha.set_fastpath_enabled(False)
        case("transformer_block", layer(x, src_mask=causal, is_causal=True))
        net = fill(DeepLob(), scale=1.0)
        case("deeplob", net(wave((2, 1, 100, 40), 46, 1.0)), parameters=sum(p.numel() for p in net.parameters()))
    logits = wave((5, 3), 47, 2.0).requires_grad_()
    targets = torch.tensor([0, 2, 1, 2, 0])
    weights = torch.tensor([0.5, 1.0, 2.0])
    for name, smoothing in (("cross_entropy", 0.0), ("smoothed_cross_entropy", 0.1)):
        case(name, nn.functional.cross_entropy(logits, targets, weights, label_smoothing=smoothing).view(1))
    # AdamW and its schedules, step by step, on a quadratic.
    p = torch.tensor([1.0, -2.0], requires_grad=True)
    for name, make in (("one_cycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=20)),
                       ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20))):
        optimiser = torch.optim.AdamW([p], lr=0.1, weight_decay=0.1)
        schedule, rates = make(optimiser), []
        for _ in range(20):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        case(name, torch.tensor(rates, dtype=torch.float64))
    print(json.dumps(cases))


if __name__ == "__main__":
    main()
