//! `locality lm`: a small model trained, stopped, resumed and asked.

use crate::run::Folder;

const SMALL: [&str; 16] = [
    "--layers",
    "1",
    "--heads",
    "2",
    "--width",
    "16",
    "--context",
    "16",
    "--batch",
    "4",
    "--steps",
    "400",
    "--lr",
    "1e-2",
    "--save-every",
    "100",
];

/// A text whose every second character says what comes next.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.file("text.txt", "to be or not to be, ".repeat(60));
    folder
}

fn train<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["lm", "train", "text.txt", "-o", output];
    args.extend(more);
    args
}

#[test]
fn a_model_learns_its_text_and_writes_it_on() {
    let folder = folder();
    let flags = [&SMALL[..], &["--plot", "loss.svg"]].concat();
    let run = folder.ok(&train("m.safetensors", &flags));
    assert!(run.text().contains("validation loss"), "{}", run.text());
    assert!(folder.text("loss.svg").contains("held out"));
    assert!(!folder.text("loss.svg").contains("<circle"));
    let short = [&flags[..10], &["--steps", "5", "--plot", "short.svg"]].concat();
    folder.ok(&train("short.safetensors", &short));
    // One look at the losses: two points, as no line goes through one.
    assert_eq!(folder.text("short.svg").matches("<circle").count(), 2);
    let write = [
        "lm",
        "generate",
        "m.safetensors",
        "--prompt",
        "or not",
        "--tokens",
        "35",
        "--temperature",
        "0",
    ];
    let run = folder.ok(&write);
    // What follows "to be" depends on what is before it.
    assert_eq!(run.text(), "or not to be, to be or not to be, to be o\n");
    let sampled = |seed: &str| {
        let args = [
            "lm",
            "generate",
            "m.safetensors",
            "--tokens",
            "30",
            "--prompt",
            "t",
            "--temperature",
            "3",
            "--seed",
            seed,
        ];
        folder.ok(&args).text()
    };
    assert_eq!(sampled("1"), sampled("1"));
    assert_ne!(sampled("1"), sampled("2"));
    let stopped = [&write[..], &["--stop", ","]].concat();
    assert_eq!(folder.ok(&stopped).text(), "or not to be,\n");
    let json = folder.ok(&[&write[..], &["--json"]].concat()).text();
    assert!(json.contains("\"tokens\":35"), "{json}");
}

#[test]
fn other_kernels_and_bytes_and_threads() {
    let folder = folder();
    let flags = [
        &SMALL[..],
        &[
            "--kernel",
            "gaussian",
            "--positions",
            "alibi",
            "--tokenizer",
            "byte",
        ],
    ]
    .concat();
    folder.ok(&train(
        "a.safetensors",
        &[&flags[..], &["--threads", "1"]].concat(),
    ));
    folder.ok(&train(
        "b.safetensors",
        &[&flags[..], &["--threads", "2"]].concat(),
    ));
    assert!(folder.bytes("a.safetensors") == folder.bytes("b.safetensors"));
    let run = folder.ok(&[
        "lm",
        "generate",
        "a.safetensors",
        "--prompt",
        "ü",
        "--tokens",
        "5",
        "--top-k",
        "3",
        "--top-p",
        "0.9",
    ]);
    assert!(run.text().starts_with('ü'));
}

#[test]
fn merges_of_bytes_are_learned_and_kept() {
    let folder = folder();
    let flags = [&SMALL[..], &["--tokenizer", "bpe", "--vocab", "262"]].concat();
    let run = folder.ok(&train("m.safetensors", &flags));
    // " be" and others are one token, so that fewer are needed.
    assert!(run.text().contains("262 codes"), "{}", run.text());
    assert!(run.text().contains("a byte"), "{}", run.text());
    let write = ["lm", "generate", "m.safetensors", "--temperature", "0"];
    let more = ["--prompt", "or not", "--tokens", "12", "--json"];
    let json = folder.ok(&[&write[..], &more[..]].concat()).text();
    assert!(json.contains("or not to be, to be or not to be"), "{json}");
    let resume = folder.ok(&train("m.safetensors", &["--resume"]));
    assert!(
        resume.text().contains("step 400 of 400"),
        "{}",
        resume.text()
    );
    // No step is taken, and none has a speed.
    assert!(
        resume.text().contains("no step was taken"),
        "{}",
        resume.text()
    );
    let resume = folder.ok(&train("m.safetensors", &["--resume", "--json"]));
    assert!(
        resume.text().contains("\"tokens_per_second\":null"),
        "{}",
        resume.text()
    );
    folder.fails(
        &train("n.safetensors", &["--tokenizer", "bpe", "--vocab", "9"]),
        2,
        &["--vocab 9"],
    );
    folder.fails(
        &train("n.safetensors", &["--vocab", "300"]),
        2,
        &["--vocab", "--tokenizer char"],
    );
    folder.fails(
        &train("n.safetensors", &["--tokenizer", "word"]),
        2,
        &["--tokenizer word", "bpe"],
    );
}

/// A tensor's name and shape, and where it is one.
type Made<'a> = (&'a str, &'a [usize], &'a dyn Fn(usize) -> bool);

/// The folder of a GPT-2 whose layers add nothing, so that it says the last byte again.
fn parrot(folder: &Folder) {
    std::fs::create_dir(folder.path("gpt2")).unwrap();
    let prints = |b: u32| matches!(b, 33..=126 | 161..=172 | 174..=255);
    let others = (0..256).filter(|b| !prints(*b)).zip(256..);
    let letters = (0..256)
        .filter(|b| prints(*b))
        .map(|b| (b, b))
        .chain(others);
    let vocabulary: serde_json::Map<String, serde_json::Value> = letters
        .map(|(byte, letter)| (char::from_u32(letter).unwrap().to_string(), byte.into()))
        .collect();
    folder.file(
        "gpt2/vocab.json",
        serde_json::Value::from(vocabulary).to_string(),
    );
    folder.file("gpt2/merges.txt", "#version: 0.2\n");
    folder.file(
        "gpt2/config.json",
        r#"{"model_type": "gpt2", "n_embd": 256, "n_layer": 1, "n_head": 1, "n_inner": 1, "n_positions": 8, "vocab_size": 256}"#,
    );
    let one = |i: usize| i / 256 == i % 256;
    let tensors: [Made<'_>; 16] = [
        ("wte.weight", &[256, 256], &one),
        ("wpe.weight", &[8, 256], &|_| false),
        ("h.0.ln_1.weight", &[256], &|_| true),
        ("h.0.ln_1.bias", &[256], &|_| false),
        ("h.0.attn.c_attn.weight", &[256, 768], &|_| false),
        ("h.0.attn.c_attn.bias", &[768], &|_| false),
        ("h.0.attn.c_proj.weight", &[256, 256], &|_| false),
        ("h.0.attn.c_proj.bias", &[256], &|_| false),
        ("h.0.ln_2.weight", &[256], &|_| true),
        ("h.0.ln_2.bias", &[256], &|_| false),
        ("h.0.mlp.c_fc.weight", &[256, 1], &|_| false),
        ("h.0.mlp.c_fc.bias", &[1], &|_| false),
        ("h.0.mlp.c_proj.weight", &[1, 256], &|_| false),
        ("h.0.mlp.c_proj.bias", &[256], &|_| false),
        ("ln_f.weight", &[256], &|_| true),
        ("ln_f.bias", &[256], &|_| false),
    ];
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, at) in tensors {
        let from = data.len();
        for i in 0..shape.iter().product() {
            data.extend(f32::from(u8::from(at(i))).to_le_bytes());
        }
        let entry =
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [from, data.len()]});
        header.insert(name.to_owned(), entry);
    }
    let header = serde_json::Value::from(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(data);
    folder.file("gpt2/model.safetensors", bytes);
}

#[test]
fn a_published_model_writes_on() {
    let folder = folder();
    parrot(&folder);
    let write = [
        "lm",
        "generate",
        "gpt2",
        "--prompt",
        "So é hm",
        "--tokens",
        "20",
        "--temperature",
        "0",
    ];
    let run = folder.ok(&write);
    assert_eq!(run.text(), format!("So é h{}\n", "m".repeat(21)));
    let stopped = [&write[..], &["--stop", "m"]].concat();
    assert_eq!(folder.ok(&stopped).text(), "So é hmm\n");
    std::fs::remove_file(folder.path("gpt2/merges.txt")).unwrap();
    folder.fails(&write, 1, &["merges.txt"]);
    std::fs::remove_file(folder.path("gpt2/vocab.json")).unwrap();
    folder.fails(&write, 1, &["gpt2", "tokenizer.json", "vocab.json"]);
}

/// Trains until the file is there, then sends a signal.
#[cfg(unix)]
fn cut(folder: &Folder, flags: &[&str], signal: &str) -> std::process::Output {
    use std::process::Stdio;
    let mut command = folder.command(&train("cut.safetensors", flags));
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !folder.path("cut.safetensors").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args([signal, &id])
        .status()
        .unwrap();
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
#[test]
fn stopped_or_killed_training_goes_on_to_the_same_file() {
    let folder = folder();
    let mut flags = SMALL.to_vec();
    flags[11] = "4000";
    folder.ok(&train("whole.safetensors", &flags));
    let whole = folder.bytes("whole.safetensors");
    for signal in ["-INT", "-KILL"] {
        let out = cut(&folder, &flags, signal);
        if signal == "-INT" {
            let error = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(0), "{error}");
            let words = String::from_utf8(out.stdout).unwrap();
            assert!(words.contains("stopped by Ctrl-C"), "{words}");
        } else {
            assert_eq!(out.status.code(), None);
        }
        assert_ne!(folder.bytes("cut.safetensors"), whole);
        // Losses, numbers and what the optimiser remembers: every bit.
        let resume = ["--resume", "--save-every", "100"];
        folder.ok(&train("cut.safetensors", &resume));
        assert!(folder.bytes("cut.safetensors") == whole, "{signal}");
        std::fs::remove_file(folder.path("cut.safetensors")).unwrap();
    }
}

#[test]
fn bad_requests_are_one_sentence() {
    let folder = folder();
    folder
        .file("short.txt", "abc")
        .file("latin.txt", [b'a', 0xff, b'b'])
        .file("noise.safetensors", [7_u8; 99]);
    let short = ["lm", "train", "short.txt", "-o", "m.safetensors"];
    folder.fails(&short, 1, &["short.txt", "--context"]);
    let latin = ["lm", "train", "latin.txt", "-o", "m.safetensors"];
    folder.fails(&latin, 1, &["UTF-8", "byte 1"]);
    let none = ["lm", "train", "none.txt", "-o", "m.safetensors"];
    folder.fails(&none, 1, &["none.txt"]);
    folder.fails(
        &train("m.safetensors", &["--heads", "3"]),
        2,
        &["--heads 3"],
    );
    folder.fails(&train("m.safetensors", &["--lr", "-1"]), 2, &["--lr -1"]);
    folder.fails(
        &train("m.safetensors", &["--steps", "0"]),
        2,
        &["--steps 0"],
    );
    folder.fails(
        &train("m.safetensors", &["--width", "1000000"]),
        2,
        &["parameters", "memory"],
    );
    folder.fails(
        &train("m.safetensors", &["--kernel", "gaussian(site_knn=3)"]),
        2,
        &["site_knn"],
    );
    folder.fails(
        &train("m.safetensors", &["--kernel", "sofmax"]),
        2,
        &["softmax"],
    );
    folder.fails(
        &train("m.safetensors", &["--positions", "far"]),
        2,
        &["far"],
    );
    folder.fails(&train("m.safetensors", &["--plot", "p.gif"]), 2, &[".png"]);
    folder.fails(&train("no/m.safetensors", &[]), 1, &["no"]);
    folder.fails(
        &train("none.safetensors", &["--resume"]),
        1,
        &["none.safetensors"],
    );
    folder.fails(
        &train("noise.safetensors", &["--resume"]),
        1,
        &["no model file"],
    );
    folder.fails(
        &["lm", "generate", "noise.safetensors"],
        1,
        &["no model file"],
    );
    folder.fails(
        &["lm", "generate", "noise.safetensors", "--top-p", "2"],
        2,
        &["--top-p 2"],
    );
    folder.ok(&train("m.safetensors", &SMALL));
    folder.fails(
        &["lm", "generate", "m.safetensors", "--prompt", "x"],
        2,
        &["'x'"],
    );
    folder.file("text.txt", "another text ".repeat(100));
    folder.fails(&train("m.safetensors", &["--resume"]), 1, &["another text"]);
}

#[test]
fn every_flag_of_the_model_and_its_training_is_heard() {
    let folder = folder();
    let mut short = SMALL;
    short[11] = "20";
    let flags: &[&[&str]] = &[
        &[],
        &["--kv-heads", "1"],
        &["--hidden", "24"],
        &["--window", "3"],
        &["--activation", "swiglu"],
        &["--norm", "rms"],
        &["--post-norm"],
        &["--bias"],
        &["--untied"],
        &["--dropout", "0.2"],
        &["--accumulate", "2"],
        &["--schedule", "constant"],
        &["--last-lr", "0"],
        &["--warmup", "9"],
        &["--weight-decay", "0"],
        &["--clip", "0.01"],
        &["--seed", "2"],
    ];
    let mut seen = std::collections::BTreeSet::new();
    for flags in flags {
        folder.ok(&train("m.safetensors", &[&short[..], flags].concat()));
        assert!(
            seen.insert(folder.bytes("m.safetensors")),
            "{flags:?} changes nothing"
        );
        // Sizes, rates and all else come from the file.
        let again = folder.ok(&train("m.safetensors", &["--resume"]));
        assert!(again.text().contains("step 20 of 20"), "{}", again.text());
    }
    let refused: &[(&[&str], &str)] = &[
        (&["--kv-heads", "3"], "--kv-heads 3"),
        (&["--window", "0"], "--window 0"),
        (&["--activation", "tanh"], "--activation 'tanh'"),
        (&["--norm", "batch"], "batch"),
        (&["--warmup", "20"], "--warmup 20"),
        (&["--weight-decay", "-1"], "--weight-decay -1"),
        (&["--accumulate", "0"], "--accumulate 0"),
        (&["--schedule", "constant", "--last-lr", "1"], "--last-lr 1"),
        (&["--schedule", "line"], "line"),
    ];
    for (flags, words) in refused {
        let flags = [&short[..], flags].concat();
        folder.fails(&train("n.safetensors", &flags), 2, &[words]);
    }
    let both = train("m.safetensors", &["--resume", "--kv-heads", "1"]);
    folder.fails(&both, 2, &["--resume"]);
}

#[test]
fn numbers_are_tokens_and_any_text_a_stop() {
    let folder = folder();
    folder.file("text.txt", "3 1 4 1 5 ".repeat(150));
    let flags = [&SMALL[..], &["--tokenizer", "number"]].concat();
    folder.ok(&train("n.safetensors", &flags));
    let write = [
        "lm",
        "generate",
        "n.safetensors",
        "--prompt",
        "3 1",
        "--tokens",
        "6",
        "--temperature",
        "0",
    ];
    assert_eq!(folder.ok(&write).text(), "3 1 4 1 5 3 1 4\n");
    folder.file("text.txt", "to be or not to be, ".repeat(60));
    folder.ok(&train("m.safetensors", &SMALL));
    let write = [
        "lm",
        "generate",
        "m.safetensors",
        "--prompt",
        "or not",
        "--temperature",
        "0",
        "--stop",
        "never",
        "--stop",
        "be, to",
        "--json",
    ];
    let json = folder.ok(&write).text();
    assert!(json.contains("\"text\":\"or not to be, to\""), "{json}");
    assert!(json.contains("\"stopped\":true"), "{json}");
    folder.fails(
        &[&write[..7], &["--stop", ""]].concat(),
        2,
        &["--stop has an empty text"],
    );
}

#[test]
fn attention_is_drawn_and_written_as_a_table() {
    let folder = folder();
    let mut short = SMALL;
    short[11] = "20";
    folder.ok(&train("m.safetensors", &short));
    let draw = [
        "lm",
        "attention",
        "m.safetensors",
        "--prompt",
        "to be",
        "-o",
    ];
    let table = ["maps.svg", "--table", "maps.csv"];
    let run = folder.ok(&[&draw[..], &table[..]].concat());
    assert!(run.text().contains("2 maps of 1 layer"), "{}", run.text());
    let picture = folder.text("maps.svg");
    assert!(picture.contains("layer 1, head 2"));
    // Two frames, and a cell for each pair of which the first looks at the second.
    let cells = picture.matches("Z\"").count() + picture.matches("<rect").count();
    assert!(cells >= 2 * 15, "{cells}");
    let rows: Vec<Vec<f64>> = folder
        .text("maps.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|x| x.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 2 * 5 * 5);
    for head in [1.0, 2.0] {
        for query in 0..5 {
            let own = rows
                .iter()
                .filter(|r| r[1] == head && r[2] == f64::from(query));
            let (mut sum, mut later) = (0.0, 0.0);
            for row in own {
                sum += row[4];
                later += if row[3] > row[2] { row[4] } else { 0.0 };
            }
            assert!((sum - 1.0).abs() < 1e-5 && later == 0.0);
        }
    }
    let one = ["head.png", "--layers", "1", "--heads", "2-2", "--json"];
    let json = folder.ok(&[&draw[..], &one[..]].concat()).text();
    assert!(json.contains("\"heads\":[2]"), "{json}");
    assert!(folder.bytes("head.png").starts_with(b"\x89PNG"));
    for (flags, words) in [
        (["--layers", "2"], "--layers 2 must be numbers from 1 to 1"),
        (["--heads", "2-1"], "--heads 2-1"),
        (["--heads", "x"], "--heads x"),
    ] {
        let flags = [&draw[..], &["n.png"], &flags[..]].concat();
        folder.fails(&flags, 2, &[words]);
    }
    let unknown = [
        "lm",
        "attention",
        "m.safetensors",
        "--prompt",
        "x",
        "-o",
        "n.png",
    ];
    folder.fails(&unknown, 2, &["--prompt", "'x'"]);
    folder.fails(&[&draw[..], &["n.gif"]].concat(), 2, &[".png"]);
    parrot(&folder);
    let folder_of = [
        "lm",
        "attention",
        "gpt2",
        "--prompt",
        "So so",
        "-o",
        "p.png",
    ];
    folder.ok(&folder_of);
}
