//! What heads are made of.

use locality_core::{Kernel, Neighborhood, Region, Result};

/// How heads know where sites stand in their set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Places {
    /// Not at all: sites are a set, or their positions are in the input.
    #[default]
    Unknown,
    /// Queries and keys turn with their position (Su et al. 2021).
    Rotary,
    /// Far keys weigh less, in each head at a rate of its own (Press et al. 2022).
    Alibi,
}

/// The parameters of [`LocalHeads`].
#[derive(Clone, Debug, PartialEq)]
pub struct HeadsConfig {
    /// Columns of input and output.
    pub width: usize,
    /// Number of heads.
    pub heads: usize,
    /// Number of key and value heads, each shared by `heads / groups` heads (Ainslie et al. 2023).
    pub groups: usize,
    /// Columns of a head.
    pub head_width: usize,
    /// The kernel that weighs keys.
    pub kernel: Kernel,
    /// Whether a site sees only itself and those before it.
    pub causal: bool,
    /// How far a site sees, itself included; everything where none.
    pub window: Option<usize>,
    /// How heads know positions.
    pub places: Places,
    /// Whether the linear maps have a bias.
    pub bias: bool,
    /// Deviation of the first weights, and of those of the last map.
    pub deviations: (f64, f64),
}

/// The kernel of attention by name: at a scale that suits heads of this width where the text has no numbers of its own.
///
/// `softmax` becomes `softmax(beta=1/sqrt(width))` (Vaswani et al. 2017), `softcap` likewise, and a profile of a distance gets the bandwidth
/// `width^(1/4)`, so that a Gaussian is the same softmax with a bias of `-||k||^2 / (2 sqrt(width))` for each key; profiles that end at
/// their bandwidth get `2 sqrt(width)` instead, which reaches most keys at first.
///
/// ```
/// use locality_learn::attention_kernel;
/// assert_eq!(attention_kernel("softmax", 16)?.to_string(), "softmax(beta=0.25)");
/// assert_eq!(attention_kernel("gaussian", 16)?.to_string(), "gaussian(h=2)");
/// assert_eq!(attention_kernel("tricube(h=3)", 16)?.to_string(), "tricube(h=3)");
/// # Ok::<(), locality_core::Error>(())
/// ```
///
/// # Errors
/// A text that is no kernel.
pub fn attention_kernel(text: &str, width: usize) -> Result<Kernel> {
    let width = width as f64;
    let infos = locality_core::profiles();
    let plain = infos.iter().find(|info| {
        info.name == text.trim() || info.aliases.iter().any(|alias| *alias == text.trim())
    });
    match plain {
        Some(info) if matches!(info.name, "softmax" | "softcap") => {
            format!("{}(beta={})", info.name, width.sqrt().recip()).parse()
        }
        Some(info) if info.takes == locality_core::Takes::Distance => {
            let h = if info.bounded {
                2.0 * width.sqrt()
            } else {
                width.powf(0.25)
            };
            Kernel::radial(info.name, h)
        }
        _ => text.parse(),
    }
}

impl HeadsConfig {
    /// Which keys a site may see.
    pub(super) fn neighborhood(&self) -> Neighborhood {
        let mut all = Neighborhood::all();
        if self.causal {
            all = all.and(Neighborhood::causal());
        }
        if let Some(window) = self.window {
            let (before, after) = (window - 1, if self.causal { 0 } else { window - 1 });
            all = all.and(Region::Window { before, after });
        }
        all
    }
}
