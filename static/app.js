// The front end starts here. Everything on a page works without it but the editor, live updates, tabs and the view switch.
import "./htmx.js";
import { start as startStream } from "./stream.js";
import { startCards } from "./cards.js";
import { startEditors } from "./editor.js";
import { startPreferences } from "./preferences.js";

startPreferences();
startStream();
startCards();
startEditors();
