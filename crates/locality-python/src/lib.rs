//! The Python extension `locality._core`: it converts, lets go of the interpreter and calls; it decides nothing.

mod array;
mod autoencode;
mod bias;
mod crf;
mod denoise;
mod dense;
mod density;
mod embed;
mod error;
mod fuzzy;
mod glm;
mod gwr;
mod heads;
mod hopfield;
mod image;
mod kernel;
mod labeling;
mod language;
mod lazy;
mod learn;
mod levels;
mod lists;
mod local;
mod lowess;
mod mean;
mod model;
mod models;
mod modes;
mod nearest;
mod networks;
mod nonlocal;
mod pca;
mod regions;
mod sentences;
mod sequences;
mod shift;
mod spectral;
mod track;
mod watch;

/// The compiled half of the package `locality`; use it through `import locality`.
#[pyo3::pymodule]
mod _core {
    #[pymodule_export]
    use super::array::reads_in_place;
    #[pymodule_export]
    use super::kernel::{Kernel, Neighborhood};
    #[pymodule_export]
    use super::lists::{metrics, neighborhoods, profiles};

    #[pymodule_export]
    use super::autoencode::LazyAutoencoderModel;
    #[pymodule_export]
    use super::crf::DenseCrfField;
    #[pymodule_export]
    use super::denoise::{
        OptimalDenoiser, energy_distance, image_bilateral, image_denoise, image_nl_means,
        image_noise, image_quality, patches, sample_rows,
    };
    #[pymodule_export]
    use super::dense::{
        Expansion, Process, kernel_logistic, kernel_pca, kernel_ridge, kernel_ridge_loo, nystroem,
        scaled_kernel,
    };
    #[pymodule_export]
    use super::density::{KernelClassifier, KernelDensity};
    #[pymodule_export]
    use super::embed::{
        local_outlier_factor, locally_linear_embedding, mixture_shares, reconstruction_weights,
        trustworthiness,
    };
    #[pymodule_export]
    use super::fuzzy::{
        FuzzyRules, fuzzy_c_means, fuzzy_memberships, learn_rules, subtractive_clustering,
    };
    #[pymodule_export]
    use super::glm::{LocalGlmModel, kernel_with_bandwidth};
    #[pymodule_export]
    use super::gwr::{GwrModel, MgwrModel};
    #[pymodule_export]
    use super::heads::LocalMeanHeads;
    #[pymodule_export]
    use super::hopfield::{HopfieldImputer, HopfieldMemory, HopfieldNetwork};
    #[pymodule_export]
    use super::image::ImageMeanShift;
    #[pymodule_export]
    use super::labeling::{
        LabelGraph, LabelPropagationModel, label_compatibilities, local_modes, relax_known,
        relaxation_labeling,
    };
    #[pymodule_export]
    use super::language::{LanguageNet, TextTokenizer};
    #[pymodule_export]
    use super::lazy::{Centroids, NeighborMemory};
    #[pymodule_export]
    use super::learn::{learn_metric, learn_mixture};
    #[pymodule_export]
    use super::levels::HierarchicalNet;
    #[pymodule_export]
    use super::local::LocalRegressor;
    #[pymodule_export]
    use super::lowess::LowessFit;
    #[pymodule_export]
    use super::mean::LocalMeanFit;
    #[pymodule_export]
    use super::model::{model_from_bytes, model_to_bytes};
    #[pymodule_export]
    use super::models::{
        LocalDiscriminantModel, LocalModeModel, LocalNormalModel, LocalQuantileModel,
    };
    #[pymodule_export]
    use super::modes::cluster_modes;
    #[pymodule_export]
    use super::nearest::Nearest;
    #[pymodule_export]
    use super::networks::{AutoencoderNet, DeepKernelNet};
    #[pymodule_export]
    use super::nonlocal::{SelfLocalRegressor, smooth_series};
    #[pymodule_export]
    use super::pca::{LocalPcaModel, intrinsic_dimension, manifold_blurring};
    #[pymodule_export]
    use super::regions::{
        ImageRegionTree, image_adjacency, image_edges, image_partition, image_superpixels,
    };
    #[pymodule_export]
    use super::sentences::SentenceNet;
    #[pymodule_export]
    use super::sequences::EncoderDecoderNet;
    #[pymodule_export]
    use super::shift::{BinnedSites, bin_seeds, estimate_bandwidth, mean_shift};
    #[pymodule_export]
    use super::spectral::{DiffusionMapModel, laplacian_eigenmaps, laplacian_of_affinity};
    #[pymodule_export]
    use super::track::{ImageTracker, cam_shift, shift_window};

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
