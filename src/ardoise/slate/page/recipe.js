// @ts-check
/* What is trained, or will be: a preset, and what is changed in it. */

import { store } from "./state.js";

/** Null: the preset has its own.
 * @typedef {{preset: string, epochs: number, batch_size: number, seed: number,
 *   learning_rate: number, dropout: number, optimizer: string | null,
 *   units: number[] | null, activation: string | null, start: string | null}} Recipe */

/** What the next training begins with; rate and dropout change the present one, too.
 * @type {Recipe} */
const TINY = {
  ...{ preset: "tiny", epochs: 5, batch_size: 128, learning_rate: 0.01, seed: 0 },
  ...{ dropout: 0, optimizer: null, units: null, activation: null, start: null },
};
export const recipe = store(TINY);
let isFollowing = false;
/** Whether the recipe changes as somebody on this page wishes. */
export const isOurs = () => !isFollowing;

/** Show what the present training, or the last one, was started with: another page may
 * have done so. @param {import("./socket.js").Header} header Of `catchUp`. */
export function follow({ settings, rate }) {
  isFollowing = true;
  recipe.set({ ...settings, learning_rate: rate });
  isFollowing = false;
}
