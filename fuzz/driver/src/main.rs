//! `FUZZ_TARGET=name driver <corpus directory> …`: libFuzzer on one of the targets.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<vitrine_fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    vitrine_fuzz::target(&name).unwrap_or_else(|| {
        let names: Vec<_> = vitrine_fuzz::TARGETS.iter().map(|target| target.name).collect();
        eprintln!("FUZZ_TARGET is {name:?}; it must be one of {}", names.join(", "));
        std::process::exit(2)
    })
});

fuzz_target!(
    init: {
        LazyLock::force(&TARGET);
        // The driver's hook aborts on every panic, also on those of the SCTP library that we catch. What is not caught
        // ends the process all the same.
        std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    },
    |data: &[u8]| (TARGET.run)(data)
);
