//! What heads are made of.

use locality_core::{
    Atom, Bandwidth, Error, Kernel, LocalMean, Neighborhood, OnEmpty, Region, Result,
};

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

impl std::str::FromStr for Places {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "unknown" => Ok(Self::Unknown),
            "rotary" => Ok(Self::Rotary),
            "alibi" => Ok(Self::Alibi),
            _ => Err(Error::parse(format!(
                "there are no positions '{text}' here; choose rotary, alibi or unknown"
            ))),
        }
    }
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

/// A distance or score, in bandwidths, at which a profile that ends anywhere has ended.
const FAR: f64 = 1e3;

impl HeadsConfig {
    /// Requires sizes and a kernel that heads can have.
    pub(super) fn check(&self) -> Result<()> {
        if self.width == 0 || self.heads == 0 || self.head_width == 0 {
            return Err(Error::parameter(format!(
                "width={}, heads={} and head_width={} must be at least 1",
                self.width, self.heads, self.head_width
            )));
        }
        if self.groups == 0 || !self.heads.is_multiple_of(self.groups) {
            return Err(Error::parameter(format!(
                "groups={} must divide heads={}",
                self.groups, self.heads
            )));
        }
        if self.places == Places::Rotary && !self.head_width.is_multiple_of(2) {
            return Err(Error::parameter(format!(
                "rotary positions turn pairs of columns, but a head has {}; choose an even head width",
                self.head_width
            )));
        }
        if self.window == Some(0) {
            return Err(Error::parameter(
                "window=0 leaves no site; it counts the site itself, so give at least 1",
            ));
        }
        self.kernel.check()?;
        let own = |a: &&Atom| {
            matches!(
                a.bandwidth_rule(),
                Bandwidth::SiteNearest(_) | Bandwidth::PerSite(_) | Bandwidth::QueryNearest(_)
            )
        };
        if self.kernel.atoms().iter().any(own) {
            return Err(Error::unsupported(format!(
                "the kernel '{}' has a bandwidth for each key or query, by keys that a site may not see; give one number, or one for each \
                 column",
                self.kernel
            )));
        }
        Ok(())
    }

    /// The local mean under the kernel.
    pub(super) fn mean(&self) -> LocalMean {
        // Only a kernel that ends somewhere leaves regions empty. The nearest key obeys causality, too.
        let endless = |x: f64, a: &Atom| a.profile().log_weight(x) > -f64::INFINITY;
        let mut atoms = self.kernel.atoms().into_iter();
        let on_empty = if atoms.all(|a| endless(FAR, a) && endless(-FAR, a)) {
            OnEmpty::Error
        } else {
            OnEmpty::Nearest
        };
        LocalMean::new(self.kernel.clone()).on_empty(on_empty)
    }

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
