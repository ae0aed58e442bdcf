"""Before a run: recipe, laboratory, plan, rehearsal; and the editor of recipes."""
