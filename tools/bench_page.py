"""The machine-made part of docs/performance.md: it stands between two markers, what people wrote
around it stays. Used by bench.py."""
import pathlib
import re

BEGIN = "<!-- `make bench` writes from here -->"
END = "<!-- to here -->"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def percent(value):
    return f"{value * 100:.0f} %" if value >= 0.095 else f"{value * 100:.1f} %"


BOUNDS = {"read_gb_s": "reading", "int8_tops": "int8", "bf16_tflops": "bf16", "f32_tflops": "f32"}


def machine_lines(facts):
    limits = facts["limits"]
    names = limits["instructions"]
    peaks = [f"{limits['int8_tops']:.2f} TOPS int8 (`{names['int8']}`)",
             f"{limits['bf16_tflops']:.2f} TFLOPS bf16 (`{names['bf16']}`)",
             f"{limits['f32_tflops']:.2f} TFLOPS f32 (`{names['f32']}`)"]
    return [f"Machine: {facts['processor']}, {facts['n_cores']} cores, {facts['memory_gb']:.0f} GB; "
            f"{', '.join(facts['features'])}. Limits, best of several runs: {', '.join(peaks)}, "
            f"read {limits['read_gb_s']:.1f} GB/s (at 1 GiB).",
            "",
            f"Overtake {facts['commit']}, `{facts['flags']}`, {facts['compiler']}, "
            f"{facts['isa']}, {facts['n_threads']} threads. {facts['date']}.",
            "",
            f"Peer: {facts['peer'] or 'none was measured'}."]


HEAD = ["model", "", "Overtake", "spread", "of the limit", "peer", "its best setting", "ratio"]


def result_cells(row):
    peer = row.get("peer")
    ours = row["overtake"]
    return [row["model"], row["what"], number(ours["tokens_per_s"]), percent(ours["spread"]),
            f"{percent(ours['share'])} of {BOUNDS[ours['bound_by']]}",
            number(peer["tokens_per_s"]) if peer else "-",
            f"`{peer['setting']}`" if peer and peer["setting"] else "-",
            f"**{ours['tokens_per_s'] / peer['tokens_per_s']:.2f}**" if peer else "-"]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def starts_table(starts):
    rows = [[s["model"], f"{s['load_s']:.2f} s", f"{s['first_token_s']:.2f} s",
             f"{s['rest_rss_bytes'] / s['file_bytes']:.2f}", f"{s['peak_rss_bytes'] / 1e6:,.0f} MB"]
            for s in starts]
    return table(["model", "load", "first token", "memory at rest / file", "at most"], rows)


def text(facts, rows, starts, neighbour):
    lines = [*machine_lines(facts), "", "Tokens a second, medians; spread is (largest - smallest) / "
             "median of all samples.", "", *table(HEAD, [result_cells(row) for row in rows]), "",
             *starts_table(starts)]
    if neighbour:
        lines += ["", "With a process that keeps one processor busy, decode of "
                  f"{neighbour['model']} keeps {percent(neighbour['overtake'])} of its speed"
                  + (f", the peer's {percent(neighbour['peer'])}." if "peer" in neighbour else ".")]
    return "\n".join(lines) + "\n"


def write(path, made):
    """Puts `made` between the markers, or with them at the file's end."""
    path = pathlib.Path(path)
    old = path.read_text() if path.exists() else ""
    part = f"{BEGIN}\n\n{made}\n{END}"
    if BEGIN in old and END in old:
        new = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: part, old, flags=re.S)
    else:
        new = (old.rstrip() + "\n\n" if old else "") + part + "\n"
    path.write_text(new)
