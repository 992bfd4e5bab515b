//! What every command starts from: the workspace, its configuration, the clock, the terminal.

use super::ui::Ui;
use crate::campaign::Campaign;
use crate::config::{self, Config, Environment};
use crate::id::CampaignId;
use crate::problem::{Problem, Problems};
use crate::time::Clock;
use crate::workspace::{Computer, Workspace};
use std::path::{Path, PathBuf};

/// The surroundings of a command.
pub struct Shell {
    /// The terminal.
    pub ui: Ui,
    clock: Clock,
    environment: Environment,
    folder: Option<PathBuf>,
}

/// A workspace with its configuration.
pub struct Opened {
    /// The folder.
    pub workspace: Workspace,
    /// What `secretariat.toml` and the environment say.
    pub config: Config,
    /// What is wrong with them.
    pub problems: Problems,
}

impl Shell {
    /// The surroundings of this process.
    ///
    /// # Errors
    /// A [`Problem`] when `SECRETARIAT_NOW` is no point in time.
    pub fn new(
        ui: Ui,
        environment: Environment,
        folder: Option<PathBuf>,
    ) -> Result<Shell, Problem> {
        let clock = environment.clock()?;
        Ok(Shell { ui, clock, environment, folder })
    }

    /// The run's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The environment, for passwords.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Finds the workspace: exactly the folder of `-C`, else here or above.
    ///
    /// # Errors
    /// A [`Problem`] when there is none.
    pub fn workspace(&self) -> Result<Workspace, Problem> {
        let found = match &self.folder {
            Some(folder) => Workspace::find(folder, true),
            None => Workspace::find(Path::new("."), false),
        };
        let name = self.environment.computer_name();
        let data_folder = self.environment.data_folder();
        found.map(|workspace| workspace.on(Computer { name, data_folder }))
    }

    /// Opens the workspace and reads everything of a campaign; every problem is kept.
    pub fn campaign(&self, name: Option<&str>, problems: &mut Problems) -> Option<Campaign> {
        match self.open() {
            Ok(opened) => opened.campaign(name, problems),
            Err(found) => {
                problems.append(found);
                None
            }
        }
    }

    /// Opens the workspace and reads its configuration, with all its problems.
    ///
    /// # Errors
    /// The problems, when nothing can be read at all.
    pub fn open(&self) -> Result<Opened, Problems> {
        let mut problems = Problems::new();
        let workspace = self.workspace().map_err(|problem| {
            let mut problems = Problems::new();
            problems.push(problem);
            problems
        })?;
        match config::load(&workspace, &self.environment, &mut problems) {
            Some(config) => Ok(Opened { workspace, config, problems }),
            None => Err(problems),
        }
    }
}

impl Opened {
    /// The id of the campaign a command means.
    ///
    /// # Errors
    /// A [`Problem`] when there is none of that name, or several and none is named.
    pub fn campaign_id(&self, name: Option<&str>) -> Result<CampaignId, Problem> {
        self.config.campaign(name).map(|c| c.id.clone())
    }

    /// Reads everything of a campaign; every problem is kept, also those of the configuration.
    pub fn campaign(&self, name: Option<&str>, problems: &mut Problems) -> Option<Campaign> {
        problems.append(self.problems.clone());
        let setting = problems.take_from(self.config.campaign(name))?;
        Campaign::load(&self.workspace, &self.config, setting, problems)
    }
}
