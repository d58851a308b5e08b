// Draws the charts of a page that comes with all its tables.

import { draw } from "./charts.js";

draw(document);
