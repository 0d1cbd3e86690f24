"""From an entry point to an object file for any kind of CPU: Numba writes LLVM code, LLVM compiles it.

`build` starts `python -m distilnp.native.object_code TARGET FILE` for each target, because Numba compiles for
one kind of CPU per process. The CPU of the machine that builds leaves no trace in the file.
"""

import re
import sys
from pathlib import Path

import llvmlite.binding as llvm

from ..kernels.jit import EntryPoint
from ..kernels.steps import SYMBOL
from ..kernels.words.multiply_add import FOREIGN
from .targets import TARGETS, Target


def target_machine(triple: str, cpu: str, features: str = "", **options: str | bool) -> llvm.TargetMachine:
    """Return LLVM's target machine for a CPU."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=3, **options)


def module_for(machine: llvm.TargetMachine, entry_point: EntryPoint) -> llvm.ModuleRef:
    """Return Numba's LLVM code of an entry point for a target machine. It exports only `SYMBOL`."""
    text = entry_point.compiled.inspect_llvm().replace(f"@{FOREIGN}llvm.", "@llvm.")
    for name, value in {"datalayout": machine.target_data, "triple": machine.triple}.items():
        text = re.sub(f"^target {name} = .*$", f'target {name} = "{value}"', text, flags=re.M)
    module = llvm.parse_assembly(text)
    for value in (*module.functions, *module.global_variables):
        if value.is_declaration:
            continue
        if value.name == entry_point.compiled.native_name:
            value.name = SYMBOL
        else:
            value.linkage = "internal"
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()  # Numba adds an unused variable for each function
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    passes.run(module, builder)
    return module


def object_code(entry_point: EntryPoint, target: Target) -> bytes:
    """Return an ELF object file with the entry point. It may be loaded at any address."""
    machine = target_machine(target.triple, target.cpu, target.features, reloc="pic", codemodel="small")
    code: bytes = machine.emit_object(module_for(machine, entry_point))
    return code


def keep_order() -> None:
    """Let LLVM keep the order of instructions, in the whole process and for good.

    Its scheduler does not see how many registers a tile needs, and puts the loads of four terms first. A CPU
    reorders instructions anyway.
    """
    llvm.set_option("", "-enable-misched=false")


if __name__ == "__main__":
    keep_order()
    from ..kernels.program import program

    target = TARGETS[sys.argv[1]]
    Path(sys.argv[2]).write_bytes(object_code(program(target.tiles), target))
