// The Test button of a connection's page.

import { startConnectionTest } from "./connection-test.js";

const button = document.querySelector("[data-test-stored]");
const place = document.querySelector("[data-test-place]");
if (button && place) startConnectionTest(button, place);
