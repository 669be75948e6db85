"""API surface: which public names of torch exist in the library, with which parameter names?

This section looks at names and signatures only; whether they *work* is what the other
sections measure.
"""
import re
import types
import warnings

import torch

from . import stubs
from .adapter import Side, signature_names

# Names of torch that are no part of an array / autograd / neural-network library:
# other backends' kernels, quantization, TorchScript, symbolic shapes, sparse layouts.
_OUT = re.compile(
    r"^(cudnn|miopen|mkldnn|fbgemm|quantize|q_|qint|quint|qscheme|fake_quant|int_repr|dequantize|"
    r"sparse_|to_sparse|is_sparse|to_mkldnn|is_mkldnn|sspaddmm|hspmm|smm|dsmm|hsmm|saddmm|spmm|"
    r"sym_|Sym|Script|parse_|merge_type|unify_type|import_ir|DispatchKey|AggregationType|Tag$|"
    r"compiled_with|fork$|wait$|init_num_threads|prepare_multi|thread_safe_generator|"
    r"(ccol|crow|col|row)_indices|indices$|indices_copy|values$|values_copy|coalesce|is_coalesced|"
    r"sparse|dense_dim|to_dense|to_padded|"
    r"is_(ipu|xpu|xla|mps|vulkan|maia|mtia|ort|hpu|meta|nested|quantized)|"
    r"(ipu|xpu|mtia|hpu)$|is_distributed|reinforce|align_|rename|refine_names|names$|has_names|"
    r"module_load|as_subclass|is_shared|share_memory|.*DataPipe|.*datapipe|.*_validation|"
    r"non_deterministic|runtime_val|grouped_mm|scaled_mm|scaled_grouped_mm|native_|"
    r"while_loop$|cond$|compile$|"
    r".*_with_indices$|(ccol|crow|col|row)_indices_copy|has_torch_function|handle_torch|"
    r"boolean_dispatch|assert_int|NestedIO|Quant|DeQuant|"
    r"BroadcastingList|enforce_grad_layout|storage|untyped_storage|typed_storage|segment_reduce$|"
    r"get_device_module|set_default_tensor_type|AcceleratorError|ScalingType|SwizzleType|"
    r"GRID_SAMPLE|"
    r"DType$|DataChunk|Container$|NLLLoss2d|variable$)")

_TORCH_EXTRA = """Tensor Generator Size device dtype layout memory_format finfo iinfo
    e pi inf nan newaxis strided contiguous_format channels_last channels_last_3d preserve_format
    float32 float64 float16 bfloat16 complex64 complex128 int8 int16 int32 int64 uint8 bool
    float double half cfloat cdouble short int long
    relu selu celu dropout max_pool1d max_pool2d max_pool3d adaptive_max_pool1d layer_norm
    batch_norm group_norm instance_norm embedding log_softmax masked_fill masked_scatter
    index_fill index_put put clamp_min clamp_max binary_cross_entropy_with_logits ctc_loss kl_div
    detach FloatTensor DoubleTensor LongTensor IntTensor BoolTensor
    linalg fft special nn optim autograd utils distributions random cuda func amp
    backends""".split()

_DUNDERS = """add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv
    ifloordiv mod rmod imod pow rpow ipow matmul rmatmul and rand iand or ror ior xor rxor ixor
    lshift rlshift ilshift rshift rrshift irshift neg pos abs invert eq ne lt le gt ge getitem
    setitem len iter contains bool int float complex index hash repr format array reversed
    deepcopy reduce_ex setstate dlpack dlpack_device dir""".split()

_TENSOR_EXTRA = """data dtype grad_fn layout relu relu_ prelu log_softmax clamp_min clamp_max
    output_nr new""".split()

_CUDA = """is_available device_count current_device set_device device device_of get_device_name
    get_device_capability get_device_properties synchronize empty_cache memory_allocated
    max_memory_allocated memory_reserved max_memory_reserved reset_peak_memory_stats memory_stats
    memory_summary mem_get_info manual_seed manual_seed_all seed seed_all initial_seed
    get_rng_state set_rng_state get_rng_state_all set_rng_state_all Stream Event stream
    current_stream default_stream set_stream is_bf16_supported init is_initialized
    OutOfMemoryError amp can_device_access_peer""".split()

NAMESPACES = [
    "torch",
    "torch.Tensor",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.utils.rnn",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.prune",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.func",
    "torch.utils.data",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.random",
    "torch.cuda",
    "torch.amp",
    "torch.distributions",
]

# Torch hides these as attributes of an imported name; they are no API of the namespace.
_FOREIGN = {
    "typing",
    "typing_extensions",
    "collections.abc",
    "abc",
    "functools",
    "types",
    "warnings",
    "contextlib",
    "collections",
    "dataclasses",
}


def _documented(obj):
    doc = getattr(obj, "__doc__", None)
    return isinstance(doc, str) and bool(doc.strip())


def names_of(space):
    """The public names that count, for one namespace."""
    obj = _get(torch, space)
    if space == "torch":
        found = set(torch.__all__) | {n for n in dir(torch) if not n.startswith("_")}
        keep = [n for n in found if callable(getattr(torch, n)) and _documented(getattr(torch, n))
                and not isinstance(getattr(torch, n), torch.dtype)]
        return sorted({n for n in keep if _ours(getattr(torch, n), n)} | set(_TORCH_EXTRA))
    if space == "torch.Tensor":
        keep = [n for n in dir(obj) if not n.startswith("_") and _documented(getattr(obj, n))
                and not _OUT.match(n)]
        return sorted(set(keep) | set(_TENSOR_EXTRA) | {f"__{d}__" for d in _DUNDERS})
    if space == "torch.cuda":
        return sorted(_CUDA)
    listed = getattr(obj, "__all__", None)
    if space == "torch.fft":
        listed = list(listed) + ["hfft2", "hfftn", "ihfft2", "ihfftn"]
    if listed is None or not len(listed):
        listed = [n for n in dir(obj) if not n.startswith("_")]
        if space == "torch.nn":
            return sorted(
                n for n in listed if isinstance(getattr(obj, n), type) and not _OUT.match(n)
            )
    return sorted({n for n in listed if not n.startswith("_") and _ours(getattr(obj, n, None), n)
                   and (getattr(obj, n) is not torch.Tensor)})


def _ours(obj, name):
    if isinstance(obj, (types.ModuleType, str)) or _OUT.match(name) or not callable(obj):
        return False
    foreign = (getattr(obj, "__module__", None) or "") in _FOREIGN
    return not foreign and not isinstance(obj, type(list[int]))


def _get(root, space):
    for part in space.split(".")[1:]:
        root = getattr(root, part)
    return root


def same_parameters(ref, lib):
    """Do two signatures accept the same parameter names in the same positions?"""
    if ref == lib:
        return True
    (rp, rk, rv, _), (lp, lk, lv, lkw) = ref, lib
    if lv and lkw and not lp and not lk:
        return False  # (*args, **kwargs) tells nothing
    rp = [p for p in rp if p not in ("self", "cls")]
    lp = [p for p in lp if p not in ("self", "cls")]
    if lp[:len(rp)] != rp:
        return False
    if rv and not lv:
        return False
    return set(rk) <= set(lp) | set(lk) or lkw


def prepare():
    warnings.simplefilter("ignore")
    import torch.amp
    import torch.distributions
    import torch.func
    import torch.nn.utils.parametrize
    import torch.nn.utils.prune
    import torch.optim.swa_utils
    import torch.utils.data  # noqa: F401


def items(opts):
    return [s for s in NAMESPACES if not opts.match or opts.match in s]


def start(opts, side=None):
    lib = side or Side(opts.lib, opts.device)

    def work(space):
        warnings.simplefilter("ignore")
        ref_ns = _get(torch, space)
        rec = {"total": 0, "present": 0, "missing": [], "sig_n": 0, "sig_ok": 0, "sig_bad": []}
        prefix = space[len("torch."):]
        try:
            lib_ns = lib.resolve(prefix) if prefix else lib.lib
        except Exception:
            lib_ns = None
        for name in names_of(space):
            rec["total"] += 1
            ref = getattr(ref_ns, name)
            a = signature_names(ref) if callable(ref) else None
            taken = stubs.longest(stubs.overloads(space, name)) if a is not None else []
            rec["sig_n"] += a is not None
            try:
                got = getattr(lib_ns, name) if lib_ns is not None else _raise_missing()
            except Exception:
                try:
                    got = lib.resolve(f"{prefix}.{name}" if prefix else name)    # a lazy submodule
                except Exception:
                    rec["missing"].append(name)
                    continue
            rec["present"] += 1
            if a is None:
                continue
            b = signature_names(got) if callable(got) else None
            if b is not None and any(same_parameters(s, b) for s in (a, *taken)):
                rec["sig_ok"] += 1
            else:
                rec["sig_bad"].append([name, _show(a), _show(b)])
        return rec

    return work


def _raise_missing():
    raise AttributeError


def _show(sig):
    if sig is None:
        return "unknown"
    pos, kw, var, varkw = sig
    return ", ".join([*pos, *(["*"] if kw and not var else []), *(["*args"] if var else []), *kw,
                      *(["**kwargs"] if varkw else [])])


def summarise(results, opts):
    rows, lines, total, present, sig_n, sig_ok = [], [], 0, 0, 0, 0
    for space in results:
        rec = results[space]
        if "total" not in rec:
            n = len(names_of(space))
            rec = {"total": n, "present": 0, "missing": [], "sig_n": 0, "sig_ok": 0, "sig_bad": []}
            lines.append(f"{space}: {results[space].get('crash') or 'not run'}")
        elif "crash" in rec:
            lines.append(f"{space}: {rec['crash']}")
        rows.append((f"  {space}", rec["present"], rec["total"]))
        total, present = total + rec["total"], present + rec["present"]
        sig_n, sig_ok = sig_n + rec["sig_n"], sig_ok + rec["sig_ok"]
        if rec["missing"]:
            lines.append(f"{space}: missing {', '.join(rec['missing'])}")
        for name, a, b in rec["sig_bad"]:
            lines.append(f"{space}.{name}: parameters ({b}) instead of ({a})")
    rows.insert(0, ("API names", present, total))
    rows.append(("  parameter names agree", sig_ok, sig_n))
    return rows, lines
