@echo off
rem "Send to > Denoise with lgbpn" of the Windows Explorer: results lie beside the photos and folders that are selected.
rem Copy this file to the folder that  shell:sendto  opens, typed into the Explorer's address line.
lgbpn denoise %*
if errorlevel 1 pause
