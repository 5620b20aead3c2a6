// The front end starts here. Everything on a page works without it but the editor, the picture, live updates, tabs and stepping.
import "./htmx.js";
import { startCards } from "./cards.js";
import { startDrops } from "./drop.js";
import { startBoard } from "./board.js";
import { startComparison } from "./compare.js";
import { startEditors } from "./editor.js";
import { startFollowing } from "./follow.js";
import { startHolds } from "./holds.js";
import { startLesson } from "./lesson.js";
import { startPresence } from "./presence.js";
import { startPredictions } from "./predict.js";
import { startProgress } from "./progress.js";
import { startPreferences } from "./preferences.js";
import { startStages } from "./stages.js";

startPreferences();
startCards();
startEditors();
startDrops();
startHolds();
startLesson();
startPredictions();
startProgress();
startFollowing();
startStages();
startComparison();
startBoard();
startPresence();
